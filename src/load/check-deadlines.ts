/**
 * Checks keys with a deadline by the database's clock.
 *
 * Each value carries its absolute deadline. The reader queries `clock_timestamp()` before it reads, and the `now()` of
 * the read itself is later. So a deadline that the clock had reached has passed at the read. No clock of a client takes
 * part.
 */
import type { Recorded } from './history.ts'
import { describeCall, type Violation } from './violation.ts'

export function checkDeadlines(history: readonly Recorded[]): Violation[] {
  return history.flatMap((read): Violation[] => {
    const { kind, deadline, askedAt, key } = read
    if (kind !== 'deadline' || deadline === undefined || askedAt === undefined || askedAt < deadline) return []
    const story = `${describeCall(read)} got a value ${askedAt - deadline} ms after its deadline, by the database's clock.`
    return [{ kind: 'read past deadline', key, story }]
  })
}
