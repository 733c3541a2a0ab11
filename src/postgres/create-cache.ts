/** `createCache`: checks what it is given, and puts the parts together. */
import type { Cache } from '../cache.ts'
import { checkedTables } from '../checked-tables.ts'
import { createFiller } from '../fill/get-or-set.ts'
import { FILLS, type Fillable } from '../fill/store.ts'
import { type CacheTables, defaultTables } from '../schema.ts'
import { createCoalescer } from '../store/coalesce.ts'
import { exactCache } from '../store/exact-arguments.ts'
import { type Inside, internals } from '../store/internals.ts'
import { COMMON_OPTIONS, type CommonOptions, parseSettings } from '../store/settings.ts'
import { DEFAULT_TIMEOUT_MS } from '../values/defaults.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { nestedScope, type Scope, storedKey } from '../values/key.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { MAX_TIMER_MS, milliseconds, type TimeSpan } from '../values/time-span.ts'
import { type Capacity, parseCapacity } from './capacity.ts'
import { createCircuit } from './circuit.ts'
import { CONTEXT, type Context, type Shared } from './context.ts'
import { copying } from './copying.ts'
import { counting } from './counting.ts'
import { checkDatabaseSource, type DatabaseSource } from './database.ts'
import { filling, postgresFillStore } from './filling.ts'
import { inspecting } from './inspecting.ts'
import { entryHandle, reading, readRows } from './reading.ts'
import { removing } from './removing.ts'
import { createRunner } from './runner.ts'
import { writing } from './writing.ts'

export interface CacheOptions extends CommonOptions {
  /** From `cacheTables({ schema, prefix })`; default: the exported tables. */
  tables?: CacheTables | undefined
  /** For one statement, its retries included. A plain number is milliseconds; default 5,000. */
  timeout?: TimeSpan | undefined
  /** Named prepared statements where the driver has them; default true. Off for poolers that do not track names. */
  preparedNames?: boolean | undefined
  /**
   * What a failing database means to the caller: an error (the default), or a miss. With `'miss'` reads answer as if
   * nothing were there, `getOrSet` computes, `set`, `setMany` and `touch` are dropped; all others still throw. After five
   * failures in a row those calls do not even ask, for a second at first.
   */
  onError?: 'throw' | 'miss' | undefined
  /**
   * Whether the console is told why, if no statement of this cache has succeeded yet: once for each process or isolate and
   * reason, whatever `onError` says. Default true.
   */
  warn?: boolean | undefined
  /**
   * Entries that this cache's namespace, or the whole table, may hold, those nested in it included. Kept to by this
   * cache's `clearExpired`, and so only as often as that runs: it evicts those that expire soonest, then permanent ones
   * that were written or touched least recently, at most 50,000 a run. About so many in tables above 32 MB, where the
   * number is an estimate. Costs what `stats` does. Default: no bound.
   */
  maxEntries?: number | undefined
  /** The same for the bytes of keys and values as stored, as `stats` tells them. */
  maxBytes?: number | undefined
}

const KNOWN_OPTIONS = [
  ...COMMON_OPTIONS,
  'tables',
  'timeout',
  'preparedNames',
  'onError',
  'warn',
  'maxEntries',
  'maxBytes',
] as const

/**
 * A cache in the tables of a Drizzle Postgres database.
 *
 * Makes no request and starts nothing; the tables come from `migrate`. Safe to create at module level and to share
 * between requests, on Workers too.
 *
 * @param db any Drizzle Postgres database: neon-http, node-postgres, postgres-js, pglite, …; or a function that makes it.
 * The function is called once, when the first statement is sent, and again if it threw. With it a module loads where the
 * connection string is not set, such as in `next build`.
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 * @example
 * import { drizzle } from 'drizzle-orm/neon-http'
 * import { createCache } from 'pgstash'
 *
 * const cache = createCache(drizzle(env.DATABASE_URL), { namespace: 'shop', expiration: '10m' })
 * const later = createCache(() => drizzle(process.env.DATABASE_URL ?? ''))
 */
export function createCache(db: DatabaseSource, options?: CacheOptions): Cache {
  checkDatabaseSource(db)
  const given = optionsObject<CacheOptions>(options, KNOWN_OPTIONS)
  const {
    tables = defaultTables,
    timeout = DEFAULT_TIMEOUT_MS,
    preparedNames = true,
    onError = 'throw',
    warn = true,
  } = given
  const { settings, scope, waitUntil, random } = parseSettings(given)
  if (onError !== 'throw' && onError !== 'miss') {
    throw new InvalidOptionError(`Expected onError to be 'throw' or 'miss', got ${describeType(onError)}.`)
  }
  const timeoutMs = milliseconds('timeout', timeout, { numbers: 'milliseconds', min: 1, max: MAX_TIMER_MS })
  const runner = createRunner(db, {
    tables: checkedTables(tables),
    timeoutMs,
    preparedNames: boolean('preparedNames', preparedNames),
    countBytes: settings.emit !== undefined,
    warn: boolean('warn', warn),
  })
  // Inside a transaction a failure has ended it: to go on would hide that.
  const circuit = onError === 'miss' && !runner.isInTransaction ? createCircuit() : undefined
  const steps = postgresFillStore(runner, circuit)
  const filler = createFiller(steps, {
    ...settings,
    timeoutMs,
    onError: circuit === undefined ? 'throw' : 'miss',
    waitUntil,
    random,
  })
  const coalesced = createCoalescer((keys, cost) => readRows(runner, keys, cost), timeoutMs)
  const shared: Shared = {
    ...settings,
    tables,
    runner,
    waitUntil,
    timeoutMs,
    circuit,
    responseCircuit: createCircuit(),
    steps,
    filler,
    coalesced,
  }
  return scopedCache(shared, scope, parseCapacity(given))
}

function scopedCache(
  shared: Shared,
  scope: Scope,
  capacity?: Capacity,
): Cache & Inside & { readonly [CONTEXT]: Context; readonly [FILLS]: Fillable } {
  const context = { ...shared, scope, capacity }
  const { prepareMany, setStored, ...written } = writing(context)
  const { refresh, getOrSetKeeping, ...filled } = filling(context)
  const { rows, ...inspected } = inspecting(context)
  const cache = {
    ...reading(context),
    ...written,
    ...counting(context),
    ...filled,
    ...removing(context),
    ...inspected,
  }
  return exactCache({
    ...cache,
    namespace: (name, options) => scopedCache(shared, nestedScope(scope, name, options)),
    entry: (key) => entryHandle(context, key, { setStored, delete: cache.delete }),
    [CONTEXT]: context,
    [FILLS]: { steps: shared.steps, storedKey: (key) => storedKey(scope, key) },
    [internals]: {
      ...copying(context),
      prepareMany,
      refresh,
      rows,
      getOrSetKeeping,
      defaultExpiration: () => shared.expiration,
      storedKey: (key) => storedKey(scope, key),
      timeoutMs: shared.timeoutMs,
    },
  })
}
