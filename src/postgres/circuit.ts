/** A circuit breaker (Nygard, "Release It!"): a database that is down is left alone for a moment, and then tried again. */
import { CircuitOpenError } from '../values/errors.ts'

/** In a row: a single success closes the circuit. */
const FAILURES_TO_OPEN = 5
/** The first rest; doubled while the tries after a rest fail. */
const REST_MS = 1_000
const MAX_REST_MS = 15_000

export interface Circuit {
  /** @throws CircuitOpenError while the database is left alone */
  check(now: number): void
  succeeded(): void
  /** Whether this failure opened the circuit. */
  failed(now: number): boolean
}

export function createCircuit(): Circuit {
  let failures = 0
  let restMs = REST_MS
  let openUntil = 0
  return {
    check(now) {
      if (failures < FAILURES_TO_OPEN) return
      if (now < openUntil) throw new CircuitOpenError()
      // This call tries; others keep away until it has ended, or as long again.
      openUntil = now + restMs
    },
    succeeded() {
      failures = 0
      restMs = REST_MS
    },
    failed(now) {
      failures++
      if (failures < FAILURES_TO_OPEN) return false
      if (failures > FAILURES_TO_OPEN) restMs = Math.min(MAX_REST_MS, restMs * 2)
      openUntil = now + restMs
      return true
    },
  }
}
