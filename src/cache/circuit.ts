/**
 * A circuit breaker (Nygard, "Release It!"). After several failures, calls skip the database for a pause. Then one call
 * tries again.
 */
import type { MaybePromise } from '../store/store.ts'
import { now } from '../values/clock.ts'
import { type CacheError, CircuitOpenError, markAsOpener } from '../values/errors.ts'
import { isRefusal, isUnreachable } from '../values/outage.ts'

/** The circuit opens after this many failures in a row. A single answer closes it. */
const FAILURES_TO_OPEN = 5
/** The first pause. It doubles each time the try after a pause fails. */
const PAUSE_MS = 1_000
const MAX_PAUSE_MS = 15_000

export interface Circuit {
  /** Returns true if this call is the try after a pause. @throws CircuitOpenError during the pause */
  check(now: number): boolean
  /** Records that the database answered, even if it refused the statement. */
  answered(): void
  /** Records a failure. Returns true if it opened the circuit, for the first time or again. */
  failed(now: number, isTry: boolean): boolean
}

export function createCircuit(): Circuit {
  let failures = 0
  let pauseMs = PAUSE_MS
  /** The end of the pause; undefined while the circuit is closed. */
  let openUntil: number | undefined
  return {
    check(now) {
      if (openUntil === undefined) return false
      if (now < openUntil) throw new CircuitOpenError()
      // Until this try ends, other calls skip the database, but for no longer than another pause.
      openUntil = now + pauseMs
      return true
    },
    answered() {
      failures = 0
      pauseMs = PAUSE_MS
      openUntil = undefined
    },
    failed(now, isTry) {
      failures++
      // While the circuit is open, only the failure of the try counts. Failures of older calls say nothing new.
      if (openUntil === undefined ? failures < FAILURES_TO_OPEN : !isTry) return false
      if (isTry) pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
      openUntil = now + pauseMs
      return true
    },
  }
}

/**
 * Runs work that may be skipped, and counts its failures. While the circuit is open, the work is skipped.
 *
 * A failure counts only if it means that the database cannot answer. A healthy database also refuses some statements: a
 * trigger raises an exception, or the role lacks a right. Other calls must still get their hits then.
 *
 * @throws CircuitOpenError, and the errors of the work
 */
export async function withCircuit<T>(circuit: Circuit, work: () => MaybePromise<T>): Promise<T> {
  return countFailures(circuit, work, circuit.check(now()))
}

/** Runs work that must not be skipped, and counts its failures. */
export async function countFailures<T>(circuit: Circuit, work: () => MaybePromise<T>, isTry = false): Promise<T> {
  try {
    const result = await work()
    circuit.answered()
    return result
  } catch (error) {
    // A refusal also closes the circuit after a pause. Otherwise a refused try would leave it open for a healthy
    // database.
    if (isRefusal(error)) circuit.answered()
    else if (isUnreachable(error) && circuit.failed(now(), isTry)) markAsOpener(error as CacheError)
    throw error
  }
}
