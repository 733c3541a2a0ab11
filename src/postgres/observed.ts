/** Runs an operation: tells the listener what came of it, and fails soft where that is asked for and right. */
import { now } from '../values/clock.ts'
import { isAway } from '../values/errors.ts'
import { type Cost, noCost, type OperationEvent } from '../values/events.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import type { Context } from './context.ts'
import { counted, guarded } from './fail-soft.ts'

type Outcome = Pick<OperationEvent, 'type' | 'count'>

export interface Observed<T> {
  /** The method that was called. */
  readonly operation: string
  /** The caller's key, where there is one. */
  readonly key?: string
  /** Adds to the cost what it sends. */
  run(cost: Cost): Promise<T>
  /** What to tell of a result. */
  outcome(result: T): Outcome | readonly Outcome[]
  /** What the caller gets with `onError: 'miss'`; without it a failure is always the caller's, because pretending would be wrong. */
  readonly whenAway?: { readonly value: T }
  /** The stored keys that were written or removed: what is being computed for them in this process is not waited for. */
  readonly changes?: readonly string[] | 'all'
}

export async function observed<T>(context: Context, call: Observed<T>): Promise<T> {
  const { circuit, emit } = context
  const { operation, key, whenAway } = call
  const cost = noCost()
  const startedAt = now()
  try {
    const run = () => call.run(cost)
    const result = await (whenAway === undefined ? counted(circuit, run) : guarded(circuit, run))
    if (emit !== undefined) {
      let share: Cost = cost
      for (const outcome of [call.outcome(result)].flat()) {
        emit({ ...outcome, operation, durationMs: now() - startedAt, ...share }, key)
        // Told once, so that all events sum up to what was sent.
        share = noCost()
      }
    }
    return result
  } catch (error) {
    if (isFrameworkSignal(error)) throw error
    emit?.({ type: 'error', operation, error, durationMs: now() - startedAt, ...cost }, key)
    if (circuit === undefined || whenAway === undefined || !isAway(error)) throw error
    for (const outcome of [call.outcome(whenAway.value)].flat()) {
      if (outcome.type === 'miss') emit?.({ ...outcome, operation, durationMs: 0, ...noCost() }, key)
    }
    return whenAway.value
  } finally {
    if (call.changes !== undefined) context.filler.detach(call.changes)
  }
}
