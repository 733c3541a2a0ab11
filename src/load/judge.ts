/** Runs all checks on one history. */
import { checkCounters } from './check-counters.ts'
import { checkDeadlines } from './check-deadlines.ts'
import { checkFills } from './check-fills.ts'
import { checkRegisters } from './check-registers.ts'
import type { FinalCounts, Recorded } from './history.ts'
import { describeCall, type Violation } from './violation.ts'

export interface Evidence {
  /** The calls of all clients of all processes. */
  readonly history: readonly Recorded[]
  readonly final: FinalCounts
  readonly leaseMs: number
  /**
   * True if calls may fail. Then a failed call may or may not have happened. Otherwise a failed call is a violation.
   */
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
    .map((record) => ({
      kind: 'failed call',
      key: record.key,
      story: `${describeCall(record)} on a healthy endpoint.`,
    }))
}
