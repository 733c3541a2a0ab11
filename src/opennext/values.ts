/** What OpenNext stores: its tags, its lifetime, and its form in the cache. */

/** Pages and routes, answers of `fetch`, and values of `'use cache'`. */
export type CacheType = 'cache' | 'fetch' | 'composable'

/** An entry in the cache. */
export interface StoredValue {
  /** When its computation began, in milliseconds since 1970 by the database's clock. Null if nobody knows. */
  readonly startedAt: number | null
  readonly value: object
}

/** Next puts the tags of pages and route handlers into this header of theirs, joined by commas. */
const TAGS_HEADER = 'x-next-cache-tags'
const MS_PER_SECOND = 1_000
/** Lifetimes of `'use cache'` in seconds. They may be infinite, and JSON has no Infinity. */
const LIFETIMES = ['stale', 'revalidate', 'expire'] as const

export function isStored(value: unknown): value is StoredValue {
  const { startedAt, value: own } = Object(value)
  return (startedAt === null || typeof startedAt === 'number') && typeof own === 'object' && own !== null
}

/** The tags that a value names itself. Answers of `fetch` name none: Next passes theirs with each read. */
export function tagsOf(value: object): string[] {
  const { tags, meta } = value as { tags?: unknown; meta?: { headers?: Record<string, unknown> } }
  const header = meta?.headers?.[TAGS_HEADER]
  const names = Array.isArray(tags) ? tags : typeof header === 'string' ? header.split(',') : []
  return names.filter((tag) => typeof tag === 'string')
}

/** Milliseconds. Infinity if the value names no end. */
export function lifeMsOf(value: object): number {
  const expire: unknown = Reflect.get(value, 'expire')
  return typeof expire === 'number' && expire >= 0 ? expire * MS_PER_SECOND : Number.POSITIVE_INFINITY
}

/** Null stands for Infinity. */
export function packValue(value: object, cacheType: CacheType): object {
  if (cacheType !== 'composable') return value
  const packed: Record<string, unknown> = { ...value }
  for (const name of LIFETIMES) if (packed[name] === Number.POSITIVE_INFINITY) packed[name] = null
  return packed
}

/**
 * An entry as OpenNext expects it.
 *
 * It compares `lastModified` with revalidations, and Next compares the `timestamp` of `'use cache'` with those of a page's own tags.
 * Both must come from the database's clock, because revalidations do.
 */
export function openValue<Value>({ startedAt, value }: StoredValue, writtenAt: number, cacheType: CacheType) {
  const written = Math.floor(writtenAt)
  if (cacheType !== 'composable') return { value: value as Value, lastModified: startedAt ?? written }
  const opened: Record<string, unknown> = { ...value }
  for (const name of LIFETIMES) if (opened[name] === null) opened[name] = Number.POSITIVE_INFINITY
  const { timestamp } = opened
  const lastModified = startedAt ?? (typeof timestamp === 'number' ? Math.min(timestamp, written) : written)
  return { value: { ...opened, timestamp: lastModified } as Value, lastModified }
}
