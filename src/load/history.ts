/**
 * The history that clients record. The checkers know nothing else. Instants are milliseconds of one clock of the
 * machine.
 */

/** Each kind of key has its own check, so that an operation on one kind cannot excuse a violation on another. */
export type KeyKind = 'register' | 'counter' | 'fill' | 'deadline'

export type OperationName = 'get' | 'set' | 'delete' | 'increment' | 'getOrSet' | 'invalidate' | 'clearExpired'

/** A computation that a client ran, whether or not its value was stored. */
export interface Computation {
  readonly version: string
  readonly start: number
  readonly end: number
}

/** One call. It took effect at some instant from `start` to `end`. A failed call may take effect later, or never. */
export interface Recorded {
  readonly operation: OperationName
  readonly kind: KeyKind | 'none'
  readonly key: string
  readonly client: number
  readonly start: number
  readonly end: number
  /** The class of the error, if the call failed. A failed write may still have happened. */
  readonly failed?: string
  /** The written or read version; absent for a miss. */
  readonly version?: string
  /** The result of `increment`. */
  readonly count?: number
  /** The deadline in the value that was read, and the database's clock just before the read; Unix milliseconds. */
  readonly deadline?: number
  readonly askedAt?: number
  readonly computation?: Computation
}

/** The latest instant at which a call can have taken effect. */
export const latest = ({ end, failed }: Recorded): number => (failed === undefined ? end : Number.POSITIVE_INFINITY)

/** The counters at the end, read after the last write. */
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
