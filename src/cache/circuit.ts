/** A circuit breaker (Nygard, "Release It!"): a database that is down is left alone for a moment, and then tried again. */
import { CircuitOpenError } from '../values/errors.ts'

/** In a row: a single success closes the circuit. */
const FAILURES_TO_OPEN = 5
/** The first rest; doubled while the tries after a rest fail. */
const REST_MS = 1_000
const MAX_REST_MS = 15_000

export interface Circuit {
  /** Whether this call is the try that ends a rest. @throws CircuitOpenError while the database is left alone */
  check(now: number): boolean
  succeeded(): void
  /** Whether this failure opened the circuit, for the first time or again. */
  failed(now: number, isTry: boolean): boolean
}

export function createCircuit(): Circuit {
  let failures = 0
  let restMs = REST_MS
  /** Until when the database is left alone; undefined while the circuit is closed. */
  let openUntil: number | undefined
  return {
    check(now) {
      if (openUntil === undefined) return false
      if (now < openUntil) throw new CircuitOpenError()
      // Others keep away until this try has ended, or as long again.
      openUntil = now + restMs
      return true
    },
    succeeded() {
      failures = 0
      restMs = REST_MS
      openUntil = undefined
    },
    failed(now, isTry) {
      failures++
      // Calls that were under way when it opened prove nothing new.
      if (openUntil === undefined ? failures < FAILURES_TO_OPEN : !isTry) return false
      if (isTry) restMs = Math.min(MAX_REST_MS, restMs * 2)
      openUntil = now + restMs
      return true
    },
  }
}
