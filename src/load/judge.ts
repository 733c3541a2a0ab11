/** All checks on one history. */
import { checkCounters } from './check-counters.ts'
import { checkDeadlines } from './check-deadlines.ts'
import { checkFills } from './check-fills.ts'
import { checkRegisters } from './check-registers.ts'
import type { FinalCounts, Recorded } from './history.ts'
import { told, type Violation } from './violation.ts'

export interface Evidence {
  /** Of all clients of all processes. */
  readonly history: readonly Recorded[]
  readonly final: FinalCounts
  readonly leaseMs: number
  /** Whether calls may fail: then a failed one is ambiguous, else it is a violation itself. */
  readonly faults: boolean
}

export function judge({ history, final, leaseMs, faults }: Evidence): Violation[] {
  return [
    ...checkRegisters(history),
    ...checkFills(history, leaseMs),
    ...checkCounters(history, final),
    ...checkDeadlines(history),
    ...(faults ? [] : failures(history)),
  ]
}

function failures(history: readonly Recorded[]): Violation[] {
  return history
    .filter(({ failed }) => failed !== undefined)
    .map((record) => ({ kind: 'failed call', key: record.key, story: `${told(record)} on a healthy endpoint.` }))
}
