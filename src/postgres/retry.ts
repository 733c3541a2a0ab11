/** Decides which failures are transient, and how often and when to retry. No other file retries. */
import { DatabaseError, DatabaseTimeoutError } from '../values/errors.ts'
import { randomNumber } from '../values/random.ts'
import type { Call } from './drivers/driver.ts'
import type { Repeatable } from './operation.ts'

/**
 * One try and two retries. By then a suspended compute is usually awake, and a dropped connection is usually replaced.
 */
const ATTEMPTS = 3
/** Statements that abort each other need as many tries as there are competitors. The timeout ends the retries. */
const ROLLED_BACK_ATTEMPTS = 100
/** Long enough for a competing transaction to end, and short compared with the timeout. Doubles with each try. */
const PAUSE_MS = 25
const MAX_PAUSE_MS = 200

/** SQLSTATEs with which the server itself rolled the statement back, so repeating it is always right. */
const ROLLED_BACK = new Set(['40001', '40P01'])

/**
 * SQLSTATEs of a server or pooler that is unreachable for a moment. Class 08 means a failed connection. With 57P the
 * server ends a connection; 57P04, a dropped database, is excluded. 53300 means too many connections.
 */
const UNREACHABLE = /^(?:08|57P(?!04)|53300)/

/** Postgres did not find the name of a prepared statement, or found that it was taken. It has executed nothing. */
const UNKNOWN_NAME = new Set(['26000', '42P05'])

export function isUnknownName(error: unknown): boolean {
  return error instanceof DatabaseError && error.sqlState !== undefined && UNKNOWN_NAME.has(error.sqlState)
}

/** Returns how often a statement may be sent in total, given how it failed. */
function attempts(error: unknown, repeatable: Repeatable): number {
  if (repeatable === 'never' || !(error instanceof DatabaseError)) return 1
  if (error.sqlState !== undefined && ROLLED_BACK.has(error.sqlState)) return ROLLED_BACK_ATTEMPTS
  // The runner then sends it without a name, so this happens only once. Allow one more try for it, regardless of other
  // failures.
  if (isUnknownName(error)) return ATTEMPTS + 1
  return isUnreachable(error) && (!error.sent || repeatable === 'always') ? ATTEMPTS : 1
}

/** Neon's status for an answer over 64 MB. A request for a smaller answer may succeed, but a retry cannot. */
const ANSWER_TOO_LARGE_STATUS = 507

export function isTooLarge(error: unknown): boolean {
  return error instanceof DatabaseError && error.status === ANSWER_TOO_LARGE_STATUS
}

/** `statement_timeout` or an operator, and `transaction_timeout`. */
const OUT_OF_TIME = new Set(['57014', '25P04'])

/** True if a statement took too long for our timeout or for the server's. */
export function isOutOfTime(error: unknown): boolean {
  if (error instanceof DatabaseTimeoutError) return true
  return error instanceof DatabaseError && error.sqlState !== undefined && OUT_OF_TIME.has(error.sqlState)
}

/** True if the server's disk is full. It still answers reads, and writes that need no new space. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof DatabaseError && error.sqlState === DISK_FULL
}

const DISK_FULL = '53100'

/** Decides by the class of the SQLSTATE or by the status. An error with neither comes from a driver or the network. */
function isUnreachable({ sqlState, status }: DatabaseError): boolean {
  if (sqlState !== undefined) return UNREACHABLE.test(sqlState)
  return status === undefined || status === 429 || (status >= 500 && status !== ANSWER_TOO_LARGE_STATUS)
}

/**
 * Repeats an attempt until it succeeds, fails permanently, runs out of tries, or the caller gives up.
 *
 * @param attempt throws {@link DatabaseError}s
 */
export async function withRetries<T>(repeatable: Repeatable, attempt: () => Promise<T>, call?: Call): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (tried >= attempts(error, repeatable)) throw error
      // Add jitter; otherwise statements that collided would collide again.
      await pause(Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** (tried - 1)) * (0.5 + randomNumber()), call)
      // The caller already has its answer, so send nothing more.
      if (call?.isAbandoned) throw error
    }
  }
}

/** Resolves after this time, or as soon as the caller gives up. */
export function pause(ms: number, call?: Call): Promise<void> {
  if (call?.isAbandoned) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    if (call === undefined) return
    call.abandon = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}
