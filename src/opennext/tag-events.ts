/** Computes the state of an entry from the revalidations of its tags. */

/** The prefix of an event that expires older entries. */
const EXPIRED = 'expired:'
/** The prefix of an event that makes older entries stale, and expires them at its deadline. */
const STALE = 'stale:'
export const EVENT_PREFIXES = [EXPIRED, STALE] as const

/**
 * The digits of a fraction, which is a deadline in milliseconds after the event. They suffice for thirty thousand
 * years.
 */
const FRACTION_DIGITS = 15
const MAX_DEADLINE_MS = 10 ** FRACTION_DIGITS - 1

/** The last events of a tag, in milliseconds since 1970 by the database's clock. 0 means no event. */
export interface TagState {
  readonly expiredAt: number
  readonly staleAt: number
  /** When entries older than `staleAt` expire. Infinity means never. */
  readonly deadline: number
  /** When the database was read. */
  readonly readAt: number
}

/** A revalidation as OpenNext passes it: a tag, optionally with times in milliseconds by the application's clock. */
export type TagWrite =
  | string
  | { readonly tag: string; readonly stale?: number | undefined; readonly expire?: number | undefined }

/** Returns the state of a tag. @param numbers the last events of the tag, by the prefix of their keys */
export function stateOf(numbers: ReadonlyMap<string, string>, readAt: number): TagState {
  const { at: expiredAt } = parseEvent(numbers.get(EXPIRED))
  const { at: staleAt, afterMs } = parseEvent(numbers.get(STALE))
  return { expiredAt, staleAt, deadline: afterMs > 0 ? staleAt + afterMs : Number.POSITIVE_INFINITY, readAt }
}

function parseEvent(number = '0'): { at: number; afterMs: number } {
  const [at, fraction = ''] = number.split('.')
  return { at: Number(at), afterMs: Number(fraction.padEnd(FRACTION_DIGITS, '0').slice(0, FRACTION_DIGITS)) }
}

/**
 * Returns the event of a revalidation: the prefix of its key, and the fraction of its number.
 *
 * OpenNext's times come from one isolate's clock. Only their difference is used, so an inaccurate clock does not
 * matter.
 */
export function eventOf(write: TagWrite, now: number): { tag: string; prefix: string; fraction: string } {
  if (typeof write === 'string') return { tag: write, prefix: EXPIRED, fraction: '0' }
  const { tag, stale, expire } = write
  if (stale === undefined && expire === undefined) return { tag, prefix: EXPIRED, fraction: '0' }
  if (expire === undefined) return { tag, prefix: STALE, fraction: '0' }
  const afterMs = Math.ceil(Math.min(expire - (stale ?? now), MAX_DEADLINE_MS))
  if (!(afterMs > 0)) return { tag, prefix: EXPIRED, fraction: '0' }
  return { tag, prefix: STALE, fraction: `0.${String(afterMs).padStart(FRACTION_DIGITS, '0')}` }
}

/** True if a revalidation of the tag expired entries of this time. */
export function isExpired({ expiredAt, staleAt, deadline, readAt }: TagState, lastModified = readAt): boolean {
  return expiredAt > lastModified || (staleAt > lastModified && deadline <= readAt)
}

/** True if a revalidation of the tag made entries of this time stale, but did not expire them. */
export function isStale(state: TagState, lastModified = state.readAt): boolean {
  return state.staleAt > lastModified && !isExpired(state, lastModified)
}

/** Returns when a revalidation last expired older entries, or made them stale. */
export function lastRevalidated({ expiredAt, staleAt }: TagState): number {
  return Math.max(expiredAt, staleAt)
}
