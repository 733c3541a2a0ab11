/** What clients write down, and all that the checkers know. Instants are milliseconds of one clock of the machine. */

/** Each kind of key has its own check, so that no operation of one can excuse what happens to another. */
export type KeyKind = 'register' | 'counter' | 'fill' | 'deadline'

export type OperationName = 'get' | 'set' | 'delete' | 'increment' | 'getOrSet' | 'invalidate' | 'clearExpired'

/** A computation that a client ran, whether or not its value was stored. */
export interface Computation {
  readonly version: string
  readonly start: number
  readonly end: number
}

/** One call: it took effect at some instant from `start` to `end`, or, where it failed, later or never. */
export interface Recorded {
  readonly operation: OperationName
  readonly kind: KeyKind | 'none'
  readonly key: string
  readonly client: number
  readonly start: number
  readonly end: number
  /** The error's class, when the call failed: a write may nevertheless have happened. */
  readonly failed?: string
  /** What was written or read; none for a miss. */
  readonly version?: string
  /** What `increment` answered. */
  readonly count?: number
  /** The deadline in the value that was read, and the database's clock just before it was asked for; Unix milliseconds. */
  readonly deadline?: number
  readonly askedAt?: number
  readonly computation?: Computation
}

/** The latest instant at which it can have taken effect. */
export const latest = ({ end, failed }: Recorded): number => (failed === undefined ? end : Number.POSITIVE_INFINITY)

/** What clients hold at the end: counters, read when nobody writes any more. */
export type FinalCounts = Readonly<Record<string, number>>

export function byKey(history: readonly Recorded[], kind: KeyKind): Map<string, Recorded[]> {
  const groups = new Map<string, Recorded[]>()
  for (const record of history) {
    if (record.kind !== kind) continue
    const group = groups.get(record.key)
    if (group) group.push(record)
    else groups.set(record.key, [record])
  }
  return groups
}
