/** What revalidations did to a tag, and what that means for an entry. */

/** Entries that are older are absent. */
const EXPIRED = 'expired:'
/** Entries that are older are stale, and absent once a deadline has passed. */
const STALE = 'stale:'
export const EVENT_PREFIXES = [EXPIRED, STALE] as const

/** The digits of a fraction: a deadline in milliseconds after the event. They suffice for thirty thousand years. */
const FRACTION_DIGITS = 15
const MAX_DEADLINE_MS = 10 ** FRACTION_DIGITS - 1

/** The last events of a tag in milliseconds since 1970, by the database's clock. 0 for none. */
export interface TagState {
  readonly expiredAt: number
  readonly staleAt: number
  /** When entries older than `staleAt` become absent. Infinity for never. */
  readonly deadline: number
  /** When the database was asked. */
  readonly readAt: number
}

/** As OpenNext passes it: a tag alone, or with times in milliseconds by the application's clock. */
export type TagWrite =
  | string
  | { readonly tag: string; readonly stale?: number | undefined; readonly expire?: number | undefined }

/** The last events of a tag, by the prefix of their keys. */
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
 * The event of a revalidation: the prefix of its key, and the fraction of its number.
 *
 * OpenNext's times come from the clock of one isolate. Only their difference is used, so the clock itself does not matter.
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

/** True if a revalidation of the tag made entries of this time absent. */
export function isExpired({ expiredAt, staleAt, deadline, readAt }: TagState, lastModified = readAt): boolean {
  return expiredAt > lastModified || (staleAt > lastModified && deadline <= readAt)
}

/** True if a revalidation of the tag made entries of this time stale, and not absent. */
export function isStale(state: TagState, lastModified = state.readAt): boolean {
  return state.staleAt > lastModified && !isExpired(state, lastModified)
}

/** When entries that are older were last made absent or stale. */
export function lastRevalidated({ expiredAt, staleAt }: TagState): number {
  return Math.max(expiredAt, staleAt)
}
