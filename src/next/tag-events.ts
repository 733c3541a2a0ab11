/** Computes the state of an entry from the revalidations of its tags. */

/** The prefix of a revalidation without a lifetime. The entry expires at once. */
export const EXPIRED = 'expired:'
/** The prefix of a revalidation with a lifetime. The entry is stale, and expires after that lifetime. */
export const STALE = 'stale:'
export const MARK_PREFIXES = [EXPIRED, STALE] as const

/** The value of a mark: when it was made, by the application's clock, and its lifetime in seconds, if it has one. */
export type MarkValue = readonly [at: number, expire: number | null]

export type EntryState = 'fresh' | 'stale' | 'expired'

/** A mark that is newer than the entry. */
export interface TagEvent {
  readonly prefix: string
  readonly value: unknown
  /** Milliseconds since the revalidation. */
  readonly ageMs: number
}

const MS_PER_SECOND = 1_000

/** Returns the state of an entry after these revalidations of its tags. */
export function stateAfter(events: readonly TagEvent[]): EntryState {
  if (events.some(isExpired)) return 'expired'
  return events.length > 0 ? 'stale' : 'fresh'
}

function isExpired({ prefix, value, ageMs }: TagEvent): boolean {
  // A mark that cannot be read counts as EXPIRED, the stronger kind.
  if (prefix !== STALE || !Array.isArray(value)) return true
  const [, expire] = value as unknown as MarkValue
  return expire !== null && ageMs >= expire * MS_PER_SECOND
}
