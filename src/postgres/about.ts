/** What columns of several statements mean to the engine. */
import type { About } from '../store/copies.ts'
import type { News, NewsReader } from '../store/news.ts'

export interface AboutColumns {
  /** Null for ever. */
  readonly remainingMs: number | null
  readonly tags: string[] | null
}

/** Describes a row to a caller that keeps a copy of it. */
export function aboutOf({ remainingMs, tags }: AboutColumns): About {
  return { remainingMs: remainingMs ?? Number.POSITIVE_INFINITY, tags }
}

/** Hands over the changes that a statement told besides its rows. */
export async function tellNews(reader: NewsReader | undefined, news: News | null | undefined): Promise<void> {
  if (reader !== undefined && news != null) await reader.told(news)
}
