/** A circuit breaker (Nygard, "Release It!"): after several failures, calls skip the database for a moment, and then try again. */
import { now } from '../values/clock.ts'
import { type CacheError, CircuitOpenError, markAsOpener } from '../values/errors.ts'
import { isRefusal, isUnreachable } from '../values/outage.ts'

/** Failures in a row. A single answer closes the circuit. */
const FAILURES_TO_OPEN = 5
/** The first pause. It doubles as long as the try after each pause fails. */
const PAUSE_MS = 1_000
const MAX_PAUSE_MS = 15_000

export interface Circuit {
  /** True if this call is the try after a pause. @throws CircuitOpenError during the pause */
  check(now: number): boolean
  /** The database answered, if only with a refusal. */
  answered(): void
  /** True if this failure opened the circuit, for the first time or again. */
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
      // Other calls skip the database until this try ends, or for another pause.
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
      // Failures of calls that were under way when the circuit opened say nothing new.
      if (openUntil === undefined ? failures < FAILURES_TO_OPEN : !isTry) return false
      if (isTry) pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
      openUntil = now + pauseMs
      return true
    },
  }
}

/**
 * Counts failures of work that may be left out. While the circuit is open, the work is not even tried.
 *
 * Only failures that mean the database cannot answer count. A healthy database refuses some statements: a trigger raises an
 * exception, or the role lacks a right. Others must still get their hits.
 *
 * @throws CircuitOpenError, and the errors of the work
 */
export async function withCircuit<T>(circuit: Circuit, work: () => Promise<T>): Promise<T> {
  return countFailures(circuit, work, circuit.check(now()))
}

/** Counts failures of work that is always tried. */
export async function countFailures<T>(circuit: Circuit, work: () => Promise<T>, isTry = false): Promise<T> {
  try {
    const result = await work()
    circuit.answered()
    return result
  } catch (error) {
    // Also for a try. Otherwise a refused one would leave the circuit of a healthy database open.
    if (isRefusal(error)) circuit.answered()
    else if (isUnreachable(error) && circuit.failed(now(), isTry)) markAsOpener(error as CacheError)
    throw error
  }
}
