import type { Cache, CleanupResult } from '../cache.ts'
import { optionalFunction, optionsObject } from '../values/options.ts'
import type { TimeSpan } from '../values/time-span.ts'
import { cleanupOf } from './cleanup-of.ts'

/** Well within the time that Workers allow for a scheduled event. The next run removes the rest. */
const DEFAULT_TIME_BUDGET_MS = 20_000

/** Options of {@link scheduledCleanup}. */
export interface ScheduledCleanupOptions {
  /** The time after which no further batch starts. A plain number is milliseconds; default 20,000. */
  timeBudget?: TimeSpan | undefined
  /** Entries removed by one statement; default 5,000. Workers' free plan allows 50 statements a run. */
  batch?: number | undefined
  /** Called with the result of each run, to log it. Default: not called. */
  onResult?: ((result: CleanupResult) => void) | undefined
}

/** A Worker's `scheduled` handler. */
export type ScheduledHandler<Env> = (controller: unknown, env: Env, context: unknown) => Promise<void>

/**
 * Creates a Worker's `scheduled` handler that removes expired entries.
 *
 * The handler rejects if cleanup fails, so that the platform records the run as failed.
 *
 * @param cache the cache, or a function that creates it from the Worker's bindings
 * @throws InvalidOptionError
 * @example
 * export default {
 *   fetch: app.fetch,
 *   scheduled: scheduledCleanup((env: Env) => cacheOf(env), { onResult: (result) => console.log(result) }),
 * }
 */
export function scheduledCleanup<Env = unknown>(
  cache: Cache | ((env: Env) => Cache),
  options?: ScheduledCleanupOptions,
): ScheduledHandler<Env> {
  const { onResult, ...rest } = optionsObject<ScheduledCleanupOptions>(options, ['timeBudget', 'batch', 'onResult'])
  optionalFunction('onResult', onResult)
  const clean = cleanupOf(cache, rest, DEFAULT_TIME_BUDGET_MS)
  return async (_controller, env) => {
    // Clean up before the call, because `?.` does not evaluate its argument if there is no `onResult`.
    const result = await clean(env)
    onResult?.(result)
  }
}
