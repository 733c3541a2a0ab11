/** Tells failures of the database from bugs, and an unreachable database from one that refuses a statement. */
import { type CacheError, CircuitOpenError, DatabaseError, DatabaseTimeoutError, NodesError } from './errors.ts'

/** True if the database failed, or the circuit is open. Every other error is a bug in the program and always thrown. */
export function isOutage(error: unknown): error is CacheError {
  if (error instanceof NodesError) return [...error.failures.values()].every(isOutage)
  return error instanceof DatabaseError || error instanceof DatabaseTimeoutError || error instanceof CircuitOpenError
}

/**
 * SQLSTATEs of a server that answers nothing for now (Postgres manual, appendix A). Any other SQLSTATE is the answer of a healthy
 * server to one statement.
 *
 * - 08: the connection failed. 28 and 3D: the server refuses the login or lacks the database, so it takes no statement.
 * - 53: the server lacks memory or connections, or a quota is used up. A full disk (53100) refuses only writes, and a limit of
 *   the configuration (53400) only the statement that exceeds it.
 * - 57: a shutdown, a crash, a start-up, or a statement that ran out of time. 58: the server's file system fails.
 * - XX000: Neon's proxy and several poolers say so if they cannot reach the server. XX001 and XX002 are broken rows and indexes.
 */
const CANNOT_ANSWER = /^(?:08|28|3D|53(?![14]00)|57|58|XX000)/

/** Statuses of an HTTP endpoint that are about this request's or this answer's size. Another statement may succeed. */
const SIZE_STATUSES: ReadonlySet<number> = new Set([413, 507])

/**
 * True if the failure means that the database cannot answer, whatever it is asked. Only such failures open the circuit.
 *
 * Without an SQLSTATE, a driver, a runtime or a proxy failed, or a store that is not on Postgres: none of them had an answer.
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
