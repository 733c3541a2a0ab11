/** What `onError: 'miss'` means, in this one place: which failures count, and which calls they spare. */
import { now } from '../values/clock.ts'
import { isAway } from '../values/errors.ts'
import { markAsOpener } from '../values/events.ts'
import type { Circuit } from './circuit.ts'

/** Callers that share a statement share its error, which is one failure. */
const known = new WeakSet<object>()

/**
 * Keeps the count of failures around work that may be left out: it is not even tried while the circuit is open.
 *
 * @throws CircuitOpenError, and what the work throws
 */
export async function guarded<T>(circuit: Circuit | undefined, work: () => Promise<T>): Promise<T> {
  return counted(circuit, work, circuit?.check(now()))
}

/** The same for work that is always tried, because to pretend would be wrong: `delete`, `invalidate`, counters. */
export async function counted<T>(circuit: Circuit | undefined, work: () => Promise<T>, isTry = false): Promise<T> {
  if (circuit === undefined) return work()
  try {
    const result = await work()
    circuit.succeeded()
    return result
  } catch (error) {
    if (isAway(error) && isNew(error as object) && circuit.failed(now(), isTry)) markAsOpener(error as object)
    throw error
  }
}

function isNew(failure: object): boolean {
  if (known.has(failure)) return false
  known.add(failure)
  return true
}
