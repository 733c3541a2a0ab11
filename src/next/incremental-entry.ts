/** Presents entries of the incremental cache to Next. */
import type { GetContext } from './incremental-tags.ts'

/** Times are in seconds. With `revalidate: false`, an entry never becomes stale. */
export interface CacheControl {
  readonly revalidate: number | false
  readonly expire: number | undefined
}

export interface Lifetime {
  readonly revalidate: number | false | undefined
  readonly expire: number | undefined
  /** True if Next passed a `cacheControl` with the value, as it does for pages. */
  readonly hasControl: boolean
}

const MS_PER_SECOND = 1_000
/** How far past its lifetime a stale entry is reported to be. */
const JUST_PAST_MS = 1_000

export function isFresh(lastModified: number, { revalidate }: Lifetime, now: number): boolean {
  if (typeof revalidate !== 'number') return revalidate === false
  return now <= lastModified + revalidate * MS_PER_SECOND
}

/**
 * Returns an age for an entry that makes Next treat it as its tags require.
 *
 * Next looks only at `lastModified`. If an entry is past `revalidate`, Next serves it and renders a new one in the
 * background. If it is past `expire`, Next waits for the new one. So a stale entry is reported as just past
 * `revalidate`, but within `expire`.
 */
export function ageForNext(
  lastModified: number,
  { revalidate = false, expire, hasControl }: Lifetime,
  isStale: boolean,
  now: number,
): { lastModified: number; cacheControl?: CacheControl } {
  if (!isStale) return { lastModified, ...(hasControl ? { cacheControl: { revalidate, expire } } : {}) }
  // Next never treats an entry without an end as stale, so give it one.
  const seconds = revalidate === false ? 1 : revalidate
  const past = Math.min(lastModified, now - seconds * MS_PER_SECOND - JUST_PAST_MS)
  const earliest = expire === undefined ? past : now - expire * MS_PER_SECOND + JUST_PAST_MS
  return {
    // Avoid zero and -1, because they have another meaning for Next.
    lastModified: Math.floor(Math.max(past, earliest)) || -2,
    ...(hasControl ? { cacheControl: { revalidate: seconds, expire } } : {}),
  }
}

/**
 * Returns the value without data that the context must not see. A shell has no data, and a resumed page renders its
 * own.
 */
export function presentValue(value: unknown, { isFallback, isRoutePPREnabled }: GetContext): unknown {
  const { kind, postponed } = Object(value)
  const page = value as Record<string, unknown>
  if (kind === 'PAGES' && isFallback) return { ...page, pageData: {} }
  const hidesData = isFallback || (isRoutePPREnabled && postponed != null)
  if (kind === 'APP_PAGE' && hidesData) return { ...page, rscData: undefined }
  return value
}
