/** What the parts of one memory cache share. */
import type { Filler } from '../../fill/get-or-set.ts'
import type { Settings } from '../../store/settings.ts'
import { now } from '../../values/clock.ts'
import { type Emit, noCost, type OperationEvent } from '../../values/events.ts'
import type { Scope } from '../../values/key.ts'
import type { MemoryStorage } from './storage.ts'

export interface Context extends Settings {
  readonly storage: MemoryStorage
  readonly filler: Filler
  readonly scope: Scope
}

type Outcome = Pick<OperationEvent, 'type' | 'count'>

/** Runs an operation, and tells the listener what came of it, where there is one. */
export function observed<T>(
  context: Context,
  operation: string,
  key: string | undefined,
  run: () => T | Promise<T>,
  outcome: (result: T) => readonly Outcome[],
): T | Promise<T> {
  // Without a promise of its own: two of them take longer than all else.
  return context.emit === undefined ? run() : tell(context.emit, operation, key, run, outcome)
}

async function tell<T>(
  emit: Emit,
  operation: string,
  key: string | undefined,
  run: () => T | Promise<T>,
  outcome: (result: T) => readonly Outcome[],
): Promise<T> {
  const startedAt = now()
  try {
    const result = await run()
    for (const each of outcome(result)) emit({ ...each, operation, durationMs: now() - startedAt, ...noCost() }, key)
    return result
  } catch (error) {
    emit({ type: 'error', operation, error, durationMs: now() - startedAt, ...noCost() }, key)
    throw error
  }
}

export const told = (type: Outcome['type'], count = 1): Outcome[] => [{ type, count }]
export const found = (value: unknown): Outcome[] => told(value === undefined ? 'miss' : 'hit')
/** Of operations that only failures are told of. */
export const nothing = (): Outcome[] => []
