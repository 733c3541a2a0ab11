/** What `onError: 'miss'` means, in this one place: which failures count, and which calls they spare. */
import { now } from '../values/clock.ts'
import { isOutage } from '../values/errors.ts'
import type { Circuit } from './circuit.ts'

/**
 * Keeps the count of failures around work that may be left out. While the circuit is open, the work is not even tried.
 *
 * @throws CircuitOpenError, and what the work throws
 */
export async function guarded<T>(circuit: Circuit | undefined, work: () => Promise<T>): Promise<T> {
  return counted(circuit, work, circuit?.check(now()))
}

/** The same for work that is always tried, because pretending would be wrong: `delete`, `invalidate`, counters. */
export async function counted<T>(circuit: Circuit | undefined, work: () => Promise<T>, isTry = false): Promise<T> {
  if (circuit === undefined) return work()
  try {
    const result = await work()
    circuit.succeeded()
    return result
  } catch (error) {
    if (isOutage(error) && error.isCounted !== true) {
      error.isCounted = true
      if (circuit.failed(now(), isTry)) error.opensCircuit = true
    }
    throw error
  }
}
