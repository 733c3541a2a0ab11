import { randomUUID } from './random.ts'

/** The last group of a UUID. */
const LENGTH_DIGITS = 12

/**
 * Creates a token for one claim of a lease. It is a UUID of version 8, whose last group is the length of the lease in
 * milliseconds.
 *
 * If the clock of the database steps back, a lease seems to end hours from now. Its length shows that it was claimed
 * before the step, so nobody must wait for it. Rejected: a column for the length, because it would need a migration.
 */
export function leaseToken(leaseMs: number): string {
  const random = randomUUID()
  const length = Math.ceil(leaseMs).toString(16).padStart(LENGTH_DIGITS, '0').slice(-LENGTH_DIGITS)
  return `${random.slice(0, 14)}8${random.slice(15, 24)}${length}`
}
