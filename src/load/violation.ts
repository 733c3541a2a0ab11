/** Something that a correct store cannot do. */
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
  /** What was known, and what came nevertheless. */
  readonly story: string
}

/** `client 3's set (12.0 to 15.5 ms)`: instants as they were recorded, rounded to tenths. */
export function told({ client, operation, start, end, failed }: Recorded): string {
  const until = failed === undefined ? `${end.toFixed(1)} ms` : `no answer: ${failed}`
  return `client ${client}'s ${operation} (${start.toFixed(1)} to ${until})`
}
