/** What `onError: 'miss'` means below the engine: which failures count, and which calls they spare the store. */
import type { MaybePromise, Store } from '../store/store.ts'
import { now } from '../values/clock.ts'
import { isOutage, markAsOpener } from '../values/errors.ts'
import type { Circuit } from './circuit.ts'

/** Calls that may be left out: while the circuit is open, they are not even tried. */
const SPARED = ['read', 'readMany', 'has', 'deadline', 'write', 'touch', 'readOrClaim', 'fill', 'release'] as const
/** Calls that are always tried, because pretending would be wrong. Their failures count all the same. */
const TRIED = [
  'add',
  'count',
  'limit',
  'remove',
  'take',
  'clear',
  'sweep',
  'invalidate',
  'snapshot',
  'size',
  'stats',
  'list',
] as const

type Method = (...args: unknown[]) => MaybePromise<unknown>

/** The same store, with every call watched by a circuit breaker. */
export function withCircuit<S extends Store>(store: S, circuit: Circuit): S {
  const watch = (names: readonly (keyof Store)[], run: typeof guarded) =>
    names.map((name) => [name, (...args: unknown[]) => run(circuit, async () => (store[name] as Method)(...args))])
  // Watched calls are promises, also those of a local store.
  return { ...store, isLocal: false, ...Object.fromEntries([...watch(SPARED, guarded), ...watch(TRIED, counted)]) }
}

/**
 * Keeps the count of failures around work that may be left out. While the circuit is open, the work is not even tried.
 *
 * @throws CircuitOpenError, and the errors of the work
 */
export async function guarded<T>(circuit: Circuit, work: () => Promise<T>): Promise<T> {
  return counted(circuit, work, circuit.check(now()))
}

/** The same for work that is always tried. */
export async function counted<T>(circuit: Circuit, work: () => Promise<T>, isTry = false): Promise<T> {
  try {
    const result = await work()
    circuit.succeeded()
    return result
  } catch (error) {
    if (isOutage(error) && circuit.failed(now(), isTry)) markAsOpener(error)
    throw error
  }
}
