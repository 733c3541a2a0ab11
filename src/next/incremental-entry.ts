/** How an entry of the incremental cache is told to Next. */
import type { GetContext } from './incremental-tags.ts'

/** Seconds. `revalidate: false` never goes stale. */
export interface CacheControl {
  readonly revalidate: number | false
  readonly expire: number | undefined
}

export interface Lifetime {
  readonly revalidate: number | false | undefined
  readonly expire: number | undefined
  /** True if Next passed both with the value, as it does for pages. */
  readonly hasControl: boolean
}

const MS_PER_SECOND = 1_000
/** How far behind its lifetime a stale entry is told to be. */
const JUST_PAST_MS = 1_000

export function isFresh(lastModified: number, { revalidate }: Lifetime, now: number): boolean {
  if (typeof revalidate !== 'number') return revalidate === false
  return now <= lastModified + revalidate * MS_PER_SECOND
}

/**
 * The age of an entry, such that Next does what its tags demand.
 *
 * Next judges by `lastModified` alone: it serves an entry that is past `revalidate` and renders it anew behind that, but waits
 * for the new one past `expire`. So a stale entry is told to be just past `revalidate`, and still inside `expire`.
 */
export function ageForNext(
  lastModified: number,
  { revalidate = false, expire, hasControl }: Lifetime,
  isStale: boolean,
  now: number,
): { lastModified: number; cacheControl?: CacheControl } {
  if (!isStale) return { lastModified, ...(hasControl ? { cacheControl: { revalidate, expire } } : {}) }
  // Next never takes an entry for stale that has no end.
  const seconds = revalidate === false ? 1 : revalidate
  const past = Math.min(lastModified, now - seconds * MS_PER_SECOND - JUST_PAST_MS)
  const earliest = expire === undefined ? past : now - expire * MS_PER_SECOND + JUST_PAST_MS
  return {
    // Zero and -1 mean something else to Next.
    lastModified: Math.floor(Math.max(past, earliest)) || -2,
    ...(hasControl ? { cacheControl: { revalidate: seconds, expire } } : {}),
  }
}

/** The value as far as the context may see it. A shell has no data, and a page that is resumed must render its own. */
export function presentValue(value: unknown, { isFallback, isRoutePPREnabled }: GetContext): unknown {
  const { kind, postponed } = Object(value)
  const page = value as Record<string, unknown>
  if (kind === 'PAGES' && isFallback) return { ...page, pageData: {} }
  const hidesData = isFallback || (isRoutePPREnabled && postponed != null)
  if (kind === 'APP_PAGE' && hidesData) return { ...page, rscData: undefined }
  return value
}
