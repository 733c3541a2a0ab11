/** Distinguishes outages from bugs, and an unreachable database from a database that refuses a statement. */
import { type CacheError, CircuitOpenError, DatabaseError, DatabaseTimeoutError, NodesError } from './errors.ts'

/**
 * True if the database failed, or the circuit is open. Every other error is a bug in the program, and always thrown.
 */
export function isOutage(error: unknown): error is CacheError {
  if (error instanceof NodesError) return [...error.failures.values()].every(isOutage)
  return error instanceof DatabaseError || error instanceof DatabaseTimeoutError || error instanceof CircuitOpenError
}

/**
 * The SQLSTATEs of a server that cannot answer any statement now (Postgres manual, appendix A). Any other SQLSTATE is
 * the answer of a healthy server to one statement.
 *
 * - 08: the connection failed. 28 and 3D: the server refuses the login or lacks the database, so it takes no statement.
 * - 53: the server lacks memory or connections, or a quota is used up. Excluded: with a full disk (53100), the server
 *   refuses only writes. With a configured limit (53400), it refuses only the statement that exceeds it.
 * - 57: a shutdown, a crash, a start-up, or a statement that ran out of time. 58: the file system of the server fails.
 * - XX000: Neon's proxy and several poolers use it if they cannot reach the server. XX001 and XX002 mean broken rows
 *   and indexes, so they are excluded.
 */
const CANNOT_ANSWER = /^(?:08|28|3D|53(?![14]00)|57|58|XX000)/

/** HTTP statuses about the size of the request or the answer. Another statement may succeed. */
const SIZE_STATUSES: ReadonlySet<number> = new Set([413, 507])

/**
 * True if the failure means that the database cannot answer any statement. Only these failures open the circuit.
 *
 * A failure without an SQLSTATE comes from a driver, a runtime or a proxy, or from a store without Postgres. None of
 * them got an answer.
 */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof NodesError) return [...error.failures.values()].every(isUnreachable)
  if (!(error instanceof DatabaseError)) return isOutage(error)
  const { sqlState, status } = error
  if (sqlState !== undefined) return CANNOT_ANSWER.test(sqlState)
  return status === undefined || !SIZE_STATUSES.has(status)
}

/** True if the server answered with a refusal of this one statement, which proves that it is reachable. */
export function isRefusal(error: unknown): boolean {
  return error instanceof DatabaseError && !isUnreachable(error)
}
