/**
 * Keys with a deadline of the database's clock.
 *
 * Each value carries its absolute deadline, and the reader asks the database for `clock_timestamp()` before it reads. The
 * read's own `now()` is later, so a deadline that the first answer had reached is over: no clock of a client takes part.
 */
import type { Recorded } from './history.ts'
import { told, type Violation } from './violation.ts'

export function checkDeadlines(history: readonly Recorded[]): Violation[] {
  return history.flatMap((read): Violation[] => {
    const { kind, deadline, askedAt, key } = read
    if (kind !== 'deadline' || deadline === undefined || askedAt === undefined || askedAt < deadline) return []
    const story = `${told(read)} got a value ${askedAt - deadline} ms after its deadline, by the database's clock.`
    return [{ kind: 'read past deadline', key, story }]
  })
}
