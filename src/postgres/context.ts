/** What the parts of one cache share. */

import { now } from '../values/clock.ts'
import type { Codec } from '../values/codec.ts'
import type { EventListener, OperationEvent } from '../values/events.ts'
import { type Deadline, parseExpiration } from '../values/expiration.ts'
import type { Scope } from '../values/key.ts'
import type { createCoalescer } from './coalesce.ts'
import type { Runner } from './runner.ts'

/** Keys of one statement: at 512 bytes each, some 5 MB. */
export const MAX_KEYS = 10_000

/** The same for a cache and the namespaces nested in it. */
export interface Shared {
  readonly runner: Runner
  readonly coalesced: ReturnType<typeof createCoalescer>
  readonly codec: Codec
  readonly maxValueBytes: number
  /** For writes that name no expiration. */
  readonly expiration: Deadline
  readonly slack: number
  readonly onEvent: EventListener | undefined
}

export interface Context extends Shared {
  readonly scope: Scope
}

/** An expiration as given, or the cache's own. @throws InvalidExpirationError */
export function deadlineOf(context: Context, expiration: unknown): Deadline {
  return expiration === undefined ? context.expiration : parseExpiration(expiration, now())
}

/** Runs an operation and tells the listener what came of it. */
export async function observed<T>(
  { onEvent }: Shared,
  operation: string,
  work: () => Promise<T>,
  describe: (result: T) => Outcome | readonly Outcome[],
): Promise<T> {
  if (onEvent === undefined) return work()
  const startedAt = now()
  try {
    const result = await work()
    const outcomes = describe(result)
    for (const outcome of Array.isArray(outcomes) ? outcomes : [outcomes]) {
      tell(onEvent, { ...outcome, operation, durationMs: now() - startedAt })
    }
    return result
  } catch (error) {
    tell(onEvent, { type: 'error', operation, error, durationMs: now() - startedAt })
    throw error
  }
}

type Outcome = Pick<OperationEvent, 'type' | 'count'>

// A listener's own failure, at once or later, must not fail the cache.
function tell(onEvent: EventListener, event: Parameters<EventListener>[0]): void {
  try {
    const answer: unknown = onEvent(event)
    if (answer instanceof Promise) answer.catch(() => {})
  } catch {}
}
