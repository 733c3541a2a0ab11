/** What a store tells with what it reads, of what was changed since it last told. */

export type Change = readonly [kind: 'key' | 'tag' | 'all', name: string]

export interface News {
  /** To be asked with next. */
  readonly cursor: string
  /** Keys and tags as they are stored. */
  readonly changed: readonly Change[]
  /** What was changed is not known: anything may have been. */
  readonly isGap: boolean
}

/** Who wants to be told, with each read. */
export interface NewsReader {
  /** Since when; null for from now on. */
  since(): string | null
  told(news: News): Promise<void>
}
