/** `createCache`: the engine over a store on Postgres. */

import { buildCache, ENGINE_OPTIONS, type EngineOptions } from '../cache/build-cache.ts'
import { checkedTimeout, scopeOf } from '../cache/settings.ts'
import type { Cache } from '../cache.ts'
import { checkedTables } from '../schema/checked-tables.ts'
import type { CacheTables } from '../schema/index.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { createEmit, noCost } from '../values/events.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { parseCapacity } from './capacity.ts'
import { databaseFromEnv } from './connections/from-env.ts'
import type { DatabaseSource } from './database.ts'
import { postgresStore } from './postgres-store.ts'
import { createRunner } from './runner.ts'

/** Options of {@link createCache}. */
export interface CacheOptions extends EngineOptions {
  /** The result of `cacheTables({ schema, prefix })`. Default: the exported tables. */
  tables?: CacheTables | undefined
  /**
   * Uses named prepared statements if the driver has them. Default true. Turn it off for poolers that do not track
   * names.
   */
  preparedNames?: boolean | undefined
  /**
   * Logs to the console why no statement of this cache has succeeded yet, for every value of `onError`. Each reason is
   * logged once per process or isolate. Default true.
   */
  warn?: boolean | undefined
  /**
   * The most entries that this cache's namespace may hold, nested namespaces included. Without a namespace, the bound
   * applies to the whole table. Only this cache's `clearExpired` enforces it. Each run evicts up to 50,000 entries:
   * first those that expire soonest, then the permanent entries that were written or touched least recently. In tables
   * above 32 MB the number of entries is an estimate. Costs as much as `stats`. Default: no bound.
   */
  maxEntries?: number | undefined
  /**
   * The most bytes that the keys and values of this namespace may take, as stored: compressed, as `bytes` of `stats`
   * reports them. At least 1. `clearExpired` enforces it as it enforces `maxEntries`. Default: no bound.
   */
  maxBytes?: number | undefined
}

const OWN_OPTIONS = ['tables', 'preparedNames', 'warn', 'maxEntries', 'maxBytes'] as const

/**
 * Creates a cache in the tables of a Postgres database.
 *
 * It sends no request and starts nothing. `migrate` creates the tables. You can create the cache at module level and
 * share it between requests, on Workers too.
 *
 * A connection string of Neon needs no driver, because its statements go over HTTP. A connection string of another host
 * needs the package `pg`. All caches of a process with the same string share one pool.
 *
 * @param db a connection string, a driver's client (`neon()`, a `Pool` or `Client` of pg, the `sql` of postgres-js or
 *   Bun, a PGlite), any Drizzle Postgres database, or a function that returns one of these. The cache calls the
 *   function once, when it sends the first statement, and again if the function threw. So the module also loads if the
 *   connection string is not set, as in `next build`.
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 * @example
 * import { createCache } from 'pgstash'
 *
 * const cache = createCache(env.DATABASE_URL, { namespace: 'shop', expiration: '10m' })
 * const later = createCache.fromEnv()
 */
export function createCache(db: DatabaseSource, options?: CacheOptions): Cache {
  const given = optionsObject<CacheOptions>(options, [...ENGINE_OPTIONS, ...OWN_OPTIONS])
  const { tables, preparedNames = true, warn = true, maxEntries, maxBytes, ...engineOptions } = given
  const own = checkedTables(tables)
  const runner = createRunner(db, {
    tables: own,
    timeoutMs: checkedTimeout(engineOptions.timeout),
    preparedNames: boolean('preparedNames', preparedNames),
    countBytes: engineOptions.onEvent !== undefined,
    warn: boolean('warn', warn),
    onFallback: (error) =>
      createEmit(
        engineOptions.onEvent,
        false,
      )?.({ type: 'error', operation: 'routines', error, durationMs: 0, ...noCost() }),
  })
  const capacity = parseCapacity({ maxEntries, maxBytes })
  const bound = capacity && { scope: scopeOf(engineOptions.namespace), capacity }
  return buildCache(postgresStore(runner, own, bound), engineOptions)
}

/**
 * Creates a cache in the database that the environment names.
 *
 * It looks for the variables that Vercel, Netlify, Neon, Supabase, Prisma Postgres and others set: see
 * `databaseFromEnv`. It reads them at the first statement. So a build needs no variable, and without one the call fails
 * with a `DatabaseError`.
 *
 * @param env the variables: `env` of a Worker; default `process.env`
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 * @example
 * const cache = createCache.fromEnv(process.env, { expiration: '10m' })
 */
createCache.fromEnv = function fromEnv(env?: object, options?: CacheOptions): Cache {
  const names: readonly string[] = [...ENGINE_OPTIONS, ...OWN_OPTIONS]
  if (options === undefined && env !== undefined && Object.keys(Object(env)).some((name) => names.includes(name))) {
    throw new InvalidOptionError('Expected the environment before the options: fromEnv(process.env, options).')
  }
  return createCache(databaseFromEnv(env), options)
}
