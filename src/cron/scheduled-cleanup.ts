import type { Cache, CleanupResult } from '../cache.ts'
import { optionalFunction, optionsObject } from '../values/options.ts'

/** Well within what Workers give a scheduled event; what is left waits for the next. */
const DEFAULT_TIME_BUDGET_MS = 20_000

export interface ScheduledCleanupOptions {
  /** Milliseconds after which no further batch is started; default 20,000. */
  timeBudget?: number
  /** Entries removed by one statement; default 5,000. Workers' free plan allows 50 statements a run. */
  batch?: number
  /** Told what was done, to log it. */
  onResult?(result: CleanupResult): void
}

/** A Worker's `scheduled` handler. */
export type ScheduledHandler<Env> = (controller: unknown, env: Env, context: unknown) => Promise<void>

/**
 * A Worker's `scheduled` handler that removes expired entries.
 *
 * A failure rejects, so that the platform records the run as failed.
 *
 * @param cache the cache, or how to make it from the Worker's bindings
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
  const { timeBudget = DEFAULT_TIME_BUDGET_MS, batch, onResult } = optionsObject(options)
  optionalFunction('onResult', onResult)
  return async (_controller, env) => {
    const target = typeof cache === 'function' ? cache(env) : cache
    const result = await target.clearExpired({ timeBudget, ...(batch === undefined ? {} : { batch }) })
    onResult?.(result)
  }
}
