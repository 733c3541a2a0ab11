/** Maps columns that several statements share to the engine's types. */
import type { About } from '../store/copies.ts'
import type { News, NewsReader } from '../store/news.ts'

export interface AboutColumns {
  /** Null if it never expires. */
  readonly remainingMs: number | null
  readonly tags: string[] | null
}

/** Describes a row to a caller that keeps a copy of it. */
export function aboutOf({ remainingMs, tags }: AboutColumns): About {
  return { remainingMs: remainingMs ?? Number.POSITIVE_INFINITY, tags }
}

/** Passes the changes that came with a statement's rows to their reader. */
export async function tellNews(reader: NewsReader | undefined, news: News | null | undefined): Promise<void> {
  if (reader !== undefined && news != null) await reader.told(news)
}
