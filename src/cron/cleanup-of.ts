import { budgetMs, MAX_BATCH } from '../cache/inputs.ts'
import type { Cache, CleanupResult } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { wholeNumber } from '../values/options.ts'
import type { TimeSpan } from '../values/time-span.ts'

/**
 * Returns a function that cleans up a cache, or a cache created from an environment. Checks the options now, not at the
 * first run.
 */
export function cleanupOf<Env>(
  cache: Cache | ((env: Env) => Cache),
  { timeBudget, batch }: { timeBudget?: TimeSpan | undefined; batch?: number | undefined },
  defaultTimeBudgetMs: number,
): (env: Env) => Promise<CleanupResult> {
  if (typeof cache !== 'function' && typeof cache?.clearExpired !== 'function') {
    throw new InvalidOptionError(`Expected a cache, or a function that makes one, got ${describeType(cache)}.`)
  }
  const options = {
    timeBudget: budgetMs(timeBudget === undefined ? defaultTimeBudgetMs : timeBudget),
    batch: batch === undefined ? undefined : wholeNumber('batch', batch, 1, MAX_BATCH),
  }
  return (env) => (typeof cache === 'function' ? cache(env) : cache).clearExpired(options)
}
