/** Which failures pass by themselves, and how often and when to try again. All of it, in this one place. */
import { DatabaseError, DatabaseTimeoutError } from '../values/errors.ts'
import { randomNumber } from '../values/random.ts'
import type { Repeatable } from './operation.ts'

/** The first try and two more: a wake-up of a suspended compute or a dropped connection rarely outlives them. */
const ATTEMPTS = 3
/** Statements that undo each other need as many tries as there are competitors; the timeout ends them. */
const UNDONE_ATTEMPTS = 100
/** Long enough for a competing transaction to end, short against the timeout. Doubled for each further try. */
const PAUSE_MS = 25
const MAX_PAUSE_MS = 200

/** The server undid the statement itself: repeating it is always right. */
const UNDONE = new Set(['40001', '40P01'])

/** The server, or what stands before it, is away for a moment: connection failures, restarts, too many connections. */
const AWAY = new Set(['08000', '08001', '08003', '08004', '08006', '53300', '57P01', '57P02', '57P03'])

/** Postgres could not find the name of a prepared statement, or found it taken. It has executed nothing. */
const UNKNOWN_NAME = new Set(['26000', '42P05'])

export function isUnknownName(error: unknown): boolean {
  return error instanceof DatabaseError && error.sqlState !== undefined && UNKNOWN_NAME.has(error.sqlState)
}

/** How often a statement may be sent in all, given how it failed. */
function attempts(error: unknown, repeatable: Repeatable): number {
  if (repeatable === 'never' || !(error instanceof DatabaseError)) return 1
  if (error.sqlState !== undefined && UNDONE.has(error.sqlState)) return UNDONE_ATTEMPTS
  // The runner sends it again without a name.
  if (isUnknownName(error)) return 2
  return !error.sent || (repeatable === 'always' && isAway(error)) ? ATTEMPTS : 1
}

/** Neon's status for an answer over 64 MB: asking for less may succeed, asking again will not. */
const ANSWER_TOO_LARGE_STATUS = 507

export function isTooLarge(error: unknown): boolean {
  return error instanceof DatabaseError && error.status === ANSWER_TOO_LARGE_STATUS
}

/** Whether a statement took too long: by our own timeout, or by the server's. */
export function isOutOfTime(error: unknown): boolean {
  return error instanceof DatabaseTimeoutError || (error instanceof DatabaseError && error.sqlState === QUERY_CANCELED)
}

const QUERY_CANCELED = '57014'

function isAway({ sqlState, status }: DatabaseError): boolean {
  if (sqlState !== undefined) return AWAY.has(sqlState)
  return status === undefined || status === 429 || (status >= 500 && status !== ANSWER_TOO_LARGE_STATUS)
}

/**
 * Runs an attempt until it succeeds, fails for good, or the tries or the signal end.
 *
 * @param attempt throws {@link DatabaseError}s
 */
export async function withRetries<T>(
  repeatable: Repeatable,
  attempt: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (tried >= attempts(error, repeatable)) throw error
      // Jittered, or those who collided would collide again.
      await pause(Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** (tried - 1)) * (0.5 + randomNumber()), signal)
      // The caller has its answer: nothing may be sent after it.
      if (signal?.aborted) throw error
    }
  }
}

/** Resolves after the time, or as soon as the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
}
