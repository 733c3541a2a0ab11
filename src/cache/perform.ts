/** Runs an operation of the engine, and reports it to the listener. */
import type { MaybePromise, Reply } from '../store/store.ts'
import { now } from '../values/clock.ts'
import { takeCost } from '../values/errors.ts'
import { type Cost, noCost, type OperationEvent } from '../values/events.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import type { OperationEngine } from './engine.ts'

export type Outcome = Pick<OperationEvent, 'type' | 'count' | 'allowed'>

export interface Operation<T> {
  /** The method that was called. */
  readonly name: string
  /** The caller's key, if the method takes one. */
  readonly key?: string | undefined
  /** The stored form of `key`. */
  readonly stored?: string | undefined
  run(): MaybePromise<Reply<T>>
  /** Returns the events for a result. */
  report(value: T): readonly Outcome[]
  /** The stored keys that were written or removed. Later calls in this process do not wait for their computations. */
  readonly changes?: readonly string[] | 'all'
}

export function perform<T>(engine: OperationEngine, operation: Operation<T>): MaybePromise<T> {
  // A local store answers synchronously. Without a promise, a hit in memory takes a third of the time.
  if (engine.store.isLocal && engine.emit === undefined) return performAtOnce(engine, operation)
  return performReported(engine, operation)
}

function performAtOnce<T>({ filler }: OperationEngine, { run, changes }: Operation<T>): MaybePromise<T> {
  try {
    const reply = run()
    return reply instanceof Promise ? reply.then(({ value }) => value) : reply.value
  } finally {
    if (changes !== undefined) filler.detach(changes)
  }
}

async function performReported<T>(engine: OperationEngine, operation: Operation<T>): Promise<T> {
  const { name, key, stored, changes } = operation
  const startedAt = now()
  const emitError = (error: unknown, cost: Cost) =>
    engine.emit?.({ type: 'error', operation: name, error, durationMs: now() - startedAt, ...cost }, key, stored)
  try {
    const reply = await operation.run()
    if (reply.failure !== undefined) emitError(reply.failure, reply.cost)
    emitOutcomes(engine, operation, reply, now() - startedAt)
    return reply.value
  } catch (error) {
    if (!isFrameworkSignal(error)) emitError(error, takeCost(error))
    throw error
  } finally {
    if (changes !== undefined) engine.filler.detach(changes)
  }
}

/**
 * Emits the events of a result. After a failure it emits only hits and misses, because nobody knows what was written.
 */
function emitOutcomes<T>(
  { emit }: OperationEngine,
  operation: Operation<T>,
  reply: Reply<T>,
  durationMs: number,
): void {
  if (emit === undefined) return
  const { name, key, stored, report } = operation
  const hasFailed = reply.failure !== undefined
  // Only the first event carries the cost. Otherwise the events would add up to more than was sent.
  let cost = hasFailed ? noCost() : reply.cost
  for (const outcome of report(reply.value)) {
    if (hasFailed && outcome.type !== 'hit' && outcome.type !== 'miss') continue
    emit({ ...outcome, operation: name, durationMs: hasFailed ? 0 : durationMs, ...cost }, key, stored)
    cost = noCost()
  }
}

export const outcome = (type: Outcome['type'], count = 1): Outcome[] => [{ type, count }]
/** Makes the event for a read of one key. */
export const hitOrMiss = (value: unknown): Outcome[] => outcome(value === undefined ? 'miss' : 'hit')
/** Makes no events, for operations that report only failures. */
export const nothing = (): Outcome[] => []

/** Returns the same reply with another value. */
export function replyWith<T>(reply: Reply<unknown>, value: T): Reply<T> {
  return { ...reply, value }
}
