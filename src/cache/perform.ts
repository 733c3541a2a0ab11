/** Runs one operation of the engine: reports it to the listener, and fails soft if the caller asked for that. */
import type { MaybePromise, Reply } from '../store/store.ts'
import { now } from '../values/clock.ts'
import { isOutage, takeCost } from '../values/errors.ts'
import { type Emit, noCost, type OperationEvent } from '../values/events.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import type { ScopedEngine } from './engine.ts'

export type Outcome = Pick<OperationEvent, 'type' | 'count'>

export interface Operation<T> {
  /** The method that was called. */
  readonly name: string
  /** The caller's key, if there is one. */
  readonly key?: string | undefined
  run(): MaybePromise<Reply<T>>
  /** The events of a result. */
  report(value: T): readonly Outcome[]
  /** With `onError: 'miss'`, the result if the store is down. Without it every failure is thrown, because pretending would be wrong. */
  readonly fallback?: { readonly value: T }
  /** Stored keys that were written or removed: their computations in this process are not waited for any more. */
  readonly changes?: readonly string[] | 'all'
}

export function perform<T>(engine: ScopedEngine, operation: Operation<T>): MaybePromise<T> {
  // A store that answers at once needs no promise, and without one a hit in memory takes a third of the time.
  if (engine.store.isLocal && engine.emit === undefined) return performAtOnce(engine, operation)
  return performWatched(engine, operation)
}

function performAtOnce<T>({ filler }: ScopedEngine, { run, changes }: Operation<T>): MaybePromise<T> {
  try {
    const reply = run()
    return reply instanceof Promise ? reply.then(({ value }) => value) : reply.value
  } finally {
    if (changes !== undefined) filler.detach(changes)
  }
}

async function performWatched<T>(engine: ScopedEngine, operation: Operation<T>): Promise<T> {
  const { failsSoft, emit, filler } = engine
  const { name, key, fallback, changes } = operation
  const startedAt = now()
  try {
    const { value, cost } = await operation.run()
    if (emit !== undefined) {
      // Only the first event carries the cost. Otherwise the events would add up to more than was sent.
      const costs = [cost, noCost()]
      for (const outcome of operation.report(value)) {
        emit({ ...outcome, operation: name, durationMs: now() - startedAt, ...(costs.shift() ?? noCost()) }, key)
      }
    }
    return value
  } catch (error) {
    if (isFrameworkSignal(error)) throw error
    emit?.({ type: 'error', operation: name, error, durationMs: now() - startedAt, ...takeCost(error) }, key)
    if (!failsSoft || fallback === undefined || !isOutage(error)) throw error
    tellMisses(emit, operation, fallback.value)
    return fallback.value
  } finally {
    if (changes !== undefined) filler.detach(changes)
  }
}

function tellMisses<T>(emit: Emit | undefined, { name, key, report }: Operation<T>, value: T): void {
  if (emit === undefined) return
  for (const outcome of report(value)) {
    if (outcome.type === 'miss') emit({ ...outcome, operation: name, durationMs: 0, ...noCost() }, key)
  }
}

export const told = (type: Outcome['type'], count = 1): Outcome[] => [{ type, count }]
/** The event of a read of one key. */
export const found = (value: unknown): Outcome[] => told(value === undefined ? 'miss' : 'hit')
/** For operations that report nothing but failures. */
export const nothing = (): Outcome[] => []
