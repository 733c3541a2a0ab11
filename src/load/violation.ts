/** A result that a correct store cannot produce. */
import type { Recorded } from './history.ts'

export type ViolationKind =
  | 'stale read'
  | 'value after delete'
  | 'invalidation ignored'
  | 'lost write'
  | 'value of nobody'
  | 'double computation'
  | 'lost increment'
  | 'read past deadline'
  | 'failed call'

export interface Violation {
  readonly kind: ViolationKind
  readonly key: string
  /** The calls that contradict each other. */
  readonly story: string
}

/** Formats a call: `client 3's set (12.0 to 15.5 ms)`. Instants are rounded to tenths of a millisecond. */
export function describeCall({ client, operation, start, end, failed }: Recorded): string {
  const until = failed === undefined ? `${end.toFixed(1)} ms` : `no answer: ${failed}`
  return `client ${client}'s ${operation} (${start.toFixed(1)} to ${until})`
}
