/** `warm`: stores query results before anyone asks for them. */

import type { Cache } from '../cache.ts'
import { wholeNumber } from '../values/options.ts'
import { withReplayableTags } from '../values/replayable.ts'
import { type CacheableQuery, type CacheQueryOptions, cacheQueryCounted } from './cache-query.ts'

/** Options of {@link warm}. */
export interface WarmOptions extends CacheQueryOptions {
  /** Queries that run at once; default 4. */
  concurrency?: number | undefined
}

const DEFAULT_CONCURRENCY = 4

/**
 * Runs the queries whose results the cache lacks, and stores them: after a deploy, or from a cron trigger.
 *
 * It uses the keys of `cacheQuery`, so pass the same options. A query that fails does not stop the others.
 *
 * @returns the number of queries that ran
 * @throws AggregateError with all failures, after all queries have ended; InvalidOptionError
 * @example
 * await warm(cache, cities.map((city) => db.select().from(shops).where(eq(shops.city, city))), { expiration: '1h' })
 */
export async function warm(
  cache: Cache,
  queries: Iterable<CacheableQuery<unknown>>,
  options: WarmOptions = {},
): Promise<number> {
  const { concurrency = DEFAULT_CONCURRENCY, ...rest } = options
  const workers = wholeNumber('concurrency', concurrency, 1)
  // A generator of tags can be read only once, but every query needs the tags.
  const given = withReplayableTags(rest)
  const errors: unknown[] = []
  let ran = 0
  // All workers share one iterator, so each takes the next remaining query.
  const waiting = [...queries].values()
  const work = async () => {
    for (const query of waiting) {
      try {
        await cacheQueryCounted(cache, query, given, () => ran++)
      } catch (error) {
        errors.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} queries failed; the others are warm.`)
  return ran
}
