/** `createCache`: the engine over a store on Postgres. */

import { buildCache, ENGINE_OPTIONS, type EngineOptions } from '../cache/build-cache.ts'
import { checkedTimeout, scopeOf } from '../cache/settings.ts'
import type { Cache } from '../cache.ts'
import { checkedTables } from '../schema/checked-tables.ts'
import { type CacheTables, defaultTables } from '../schema/index.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { createEmit, noCost } from '../values/events.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { parseCapacity } from './capacity.ts'
import { databaseFromEnv } from './connections/from-env.ts'
import type { DatabaseSource } from './database.ts'
import { postgresStore } from './postgres-store.ts'
import { createRunner } from './runner.ts'

export interface CacheOptions extends EngineOptions {
  /** From `cacheTables({ schema, prefix })`; default: the exported tables. */
  tables?: CacheTables | undefined
  /** Named prepared statements where the driver has them; default true. Off for poolers that do not track names. */
  preparedNames?: boolean | undefined
  /**
   * Logs to the console why no statement of this cache has succeeded yet, whatever `onError` is. Each reason is logged
   * once per process or isolate. Default true.
   */
  warn?: boolean | undefined
  /**
   * The most entries of this cache's namespace, nested ones included, or of the whole table. Only this cache's
   * `clearExpired` enforces it: each run evicts up to 50,000 entries, first those that expire soonest, then the permanent
   * ones that were written or touched least recently. In tables above 32 MB the number of entries is an estimate. Costs as
   * much as `stats`. Default: no bound.
   */
  maxEntries?: number | undefined
  /** The same bound for the stored bytes of keys and values, as `stats` reports them. */
  maxBytes?: number | undefined
}

const OWN_OPTIONS = ['tables', 'preparedNames', 'warn', 'maxEntries', 'maxBytes'] as const

/**
 * Creates a cache in the tables of a Postgres database.
 *
 * Makes no request and starts nothing; the tables come from `migrate`. Safe to create at module level and to share
 * between requests, on Workers too.
 *
 * A connection string of Neon needs no driver, because its statements go over HTTP. The string of another host needs the
 * package `pg`; all caches of a process with the same string share one pool.
 *
 * @param db a connection string, a driver's client (`neon()`, a `Pool` or `Client` of pg, the `sql` of postgres-js or Bun, a
 * PGlite), any Drizzle Postgres database, or a function that returns one of these. The function is called once, when the first
 * statement is sent, and again if it threw. So the module also loads if the connection string is not set, such as in `next build`.
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 * @example
 * import { createCache } from 'pgstash'
 *
 * const cache = createCache(env.DATABASE_URL, { namespace: 'shop', expiration: '10m' })
 * const later = createCache.fromEnv()
 */
export function createCache(db: DatabaseSource, options?: CacheOptions): Cache {
  const given = optionsObject<CacheOptions>(options, [...ENGINE_OPTIONS, ...OWN_OPTIONS])
  const { tables = defaultTables, preparedNames = true, warn = true, maxEntries, maxBytes, ...engineOptions } = given
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
 * It looks for the variables that Vercel, Netlify, Neon, Supabase, Prisma Postgres and others set: see `databaseFromEnv`. It
 * reads them at the first statement. So a build needs no variable, and a missing one fails the call with a `DatabaseError`.
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
