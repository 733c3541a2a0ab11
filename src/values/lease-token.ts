import { randomUUID } from './random.ts'

/** The last group of a UUID. */
const LENGTH_DIGITS = 12

/**
 * A token for one claim of a lease. It is a UUID of version 8, and its last group says how many milliseconds the lease lasts.
 *
 * A database whose clock stepped back finds a lease that ends hours from now. The length shows that no claim since then made
 * it, so nobody needs to wait for it. Rejected: a column, because it would need a migration.
 */
export function leaseToken(leaseMs: number): string {
  const random = randomUUID()
  const length = Math.ceil(leaseMs).toString(16).padStart(LENGTH_DIGITS, '0').slice(-LENGTH_DIGITS)
  return `${random.slice(0, 14)}8${random.slice(15, 24)}${length}`
}
