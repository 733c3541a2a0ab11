/** Reads the tags and the lifetime of OpenNext's values, and converts them to and from their form in the cache. */

/** Pages and routes (`cache`), responses of `fetch`, and values of `'use cache'` (`composable`). */
export type CacheType = 'cache' | 'fetch' | 'composable'

/** An entry in the cache. */
export interface StoredValue {
  /** When its computation began, in milliseconds since 1970 by the database's clock. Null if that is unknown. */
  readonly startedAt: number | null
  readonly value: object
}

/** Next puts the tags of pages and route handlers into this header, joined by commas. */
const TAGS_HEADER = 'x-next-cache-tags'
const MS_PER_SECOND = 1_000
/** The lifetimes of `'use cache'` in seconds. They may be infinite, but JSON has no Infinity. */
const LIFETIMES = ['stale', 'revalidate', 'expire'] as const

export function isStored(value: unknown): value is StoredValue {
  const { startedAt, value: own } = Object(value)
  return (startedAt === null || typeof startedAt === 'number') && typeof own === 'object' && own !== null
}

/**
 * Returns the tags that a value itself names. Responses of `fetch` name none, because Next passes their tags with each
 * read.
 */
export function tagsOf(value: object): string[] {
  const { tags, meta } = value as { tags?: unknown; meta?: { headers?: Record<string, unknown> } }
  const header = meta?.headers?.[TAGS_HEADER]
  const names = Array.isArray(tags) ? tags : typeof header === 'string' ? header.split(',') : []
  return names.filter((tag) => typeof tag === 'string')
}

/** Returns milliseconds, or Infinity if the value names no end. */
export function lifeMsOf(value: object): number {
  const expire: unknown = Reflect.get(value, 'expire')
  return typeof expire === 'number' && expire >= 0 ? expire * MS_PER_SECOND : Number.POSITIVE_INFINITY
}

/** Converts a value to its stored form, in which null stands for Infinity. */
export function packValue(value: object, cacheType: CacheType): object {
  if (cacheType !== 'composable') return value
  const packed: Record<string, unknown> = { ...value }
  for (const name of LIFETIMES) if (packed[name] === Number.POSITIVE_INFINITY) packed[name] = null
  return packed
}

/**
 * Converts a stored value to an entry as OpenNext expects it.
 *
 * OpenNext compares `lastModified` with revalidations. Next compares the `timestamp` of `'use cache'` with
 * revalidations of a page's own tags. Both times must come from the database's clock, because the times of
 * revalidations do.
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
