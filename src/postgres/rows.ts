/** What columns of several statements mean to the engine. */
import type { About } from '../store/copies.ts'
import type { News, NewsReader } from '../store/news.ts'

export interface AboutColumns {
  /** Null for ever. */
  readonly remainingMs: number | null
  /** As JSON, because drivers differ in how they return arrays. */
  readonly tags: string | null
}

/** What a copy of an entry needs to know. */
export function aboutOf({ remainingMs, tags }: AboutColumns): About {
  return {
    remainingMs: remainingMs ?? Number.POSITIVE_INFINITY,
    tags: tags === null ? null : (JSON.parse(tags) as string[]),
  }
}

/** Hands over the changes that a statement told besides its rows. */
export async function tellNews(reader: NewsReader | undefined, text: string | null | undefined): Promise<void> {
  if (reader !== undefined && text != null) await reader.told(JSON.parse(text) as News)
}
