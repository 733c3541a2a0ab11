/** `createCache`: checks what it is given, and puts the parts together. */
import type { Cache } from '../cache.ts'
import { checkedTables } from '../checked-tables.ts'
import { createFiller } from '../fill/get-or-set.ts'
import { FILLS, type Fillable } from '../fill/store.ts'
import { type CacheTables, defaultTables } from '../schema.ts'
import { now } from '../values/clock.ts'
import { type Codec, DEFAULT_MAX_VALUE_BYTES, jsonCodec } from '../values/codec.ts'
import { DEFAULT_SLACK, DEFAULT_TIMEOUT_MS } from '../values/defaults.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { createEmit, type EventListener } from '../values/events.ts'
import { type Expiration, NEVER, parseExpiration } from '../values/expiration.ts'
import { nestedScope, ROOT, type Scope, storedKey } from '../values/key.ts'
import { boolean, optionalFunction, optionsObject, wholeNumber } from '../values/options.ts'
import { createCircuit } from './circuit.ts'
import { createCoalescer } from './coalesce.ts'
import { CONTEXT, type Context, type Shared } from './context.ts'
import { counting } from './counting.ts'
import { checkDatabase, type Database } from './database.ts'
import { filling, postgresFillStore } from './filling.ts'
import { inspecting } from './inspecting.ts'
import { entryHandle, reading, readRows } from './reading.ts'
import { removing } from './removing.ts'
import { createRunner } from './runner.ts'
import { writing } from './writing.ts'

export interface CacheOptions {
  /** Every key, `clear()`, `count()`, `stats()` and `list()` is scoped to it. At most 128 bytes. */
  namespace?: string | undefined
  /** For writes that name none; default: never expires. */
  expiration?: Expiration | undefined
  /** Default: JSON. */
  codec?: Codec | undefined
  /** From `cacheTables({ schema, prefix })`; default: the exported tables. */
  tables?: CacheTables | undefined
  /** Milliseconds for one statement, its retries included; default 5,000. */
  timeout?: number | undefined
  /** With sliding: the share of the span by which a deadline may be late, and writes are saved; default 0.25. */
  slack?: number | undefined
  /** Named prepared statements where the driver has them; default true. Off for poolers that do not track names. */
  preparedNames?: boolean | undefined
  /** Told what happened: hits, misses, writes, errors. Its own failures are ignored. */
  onEvent?: EventListener | undefined
  /** Of one encoded value; default 32 MiB. */
  maxValueBytes?: number | undefined
  /**
   * What a failing database means to the caller: an error (the default), or a miss. With `'miss'` reads answer as if
   * nothing were there, `getOrSet` computes, `set`, `setMany` and `touch` are dropped; all others still throw. After five
   * failures in a row those calls do not even ask, for a second at first.
   */
  onError?: 'throw' | 'miss' | undefined
  /**
   * Keeps background work alive after the response: `ctx.waitUntil` on Workers, `waitUntil` of `@vercel/functions`. With
   * it, refreshes of stale values happen in the background; without it, whoever won the refresh waits for it.
   */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined
  /** Whether events name keys; default false, because keys often hold who did what. */
  eventKeys?: boolean | undefined
  /** From 0 up to, but not including, 1: for jitter and early refreshes. Default `Math.random`. */
  random?: (() => number) | undefined
}

const KNOWN_OPTIONS = [
  'namespace',
  'expiration',
  'codec',
  'tables',
  'timeout',
  'slack',
  'preparedNames',
  'onEvent',
  'maxValueBytes',
  'onError',
  'waitUntil',
  'eventKeys',
  'random',
] as const

/** Above it timers overflow and fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1
const MAX_SLACK = 10

/**
 * A cache in the tables of a Drizzle Postgres database.
 *
 * Makes no request and starts nothing; the tables come from `migrate`. Safe to create at module level and to share
 * between requests, on Workers too.
 *
 * @param db any Drizzle Postgres database: neon-http, node-postgres, postgres-js, pglite, …
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 * @example
 * import { drizzle } from 'drizzle-orm/neon-http'
 * import { createCache } from 'pgstash'
 *
 * const cache = createCache(drizzle(env.DATABASE_URL), { namespace: 'shop', expiration: '10m' })
 */
export function createCache(db: Database, options?: CacheOptions): Cache {
  checkDatabase(db)
  const {
    namespace,
    expiration,
    codec = jsonCodec,
    tables = defaultTables,
    timeout = DEFAULT_TIMEOUT_MS,
    slack = DEFAULT_SLACK,
    preparedNames = true,
    onEvent,
    maxValueBytes = DEFAULT_MAX_VALUE_BYTES,
    onError = 'throw',
    waitUntil,
    eventKeys = false,
    random = Math.random,
  } = optionsObject<CacheOptions>(options, KNOWN_OPTIONS)
  optionalFunction('onEvent', onEvent)
  optionalFunction('waitUntil', waitUntil)
  optionalFunction('random', random)
  if (onError !== 'throw' && onError !== 'miss') {
    throw new InvalidOptionError(`Expected onError to be 'throw' or 'miss', got ${describeType(onError)}.`)
  }
  const timeoutMs = wholeNumber('timeout', timeout, 1, MAX_TIMEOUT_MS)
  const runner = createRunner(primary(db), {
    tables: checkedTables(tables),
    timeoutMs,
    preparedNames: boolean('preparedNames', preparedNames),
    countBytes: onEvent !== undefined,
  })
  const common = {
    codec: checkedCodec(codec),
    maxValueBytes: wholeNumber('maxValueBytes', maxValueBytes, 1),
    expiration: expiration === undefined ? NEVER : parseExpiration(expiration, now()),
    slack: checkedSlack(slack),
    emit: createEmit(onEvent, boolean('eventKeys', eventKeys)),
  }
  // Inside a transaction a failure has ended it: to go on would hide that.
  const circuit = onError === 'miss' && !runner.isInTransaction ? createCircuit() : undefined
  const steps = postgresFillStore(runner, circuit)
  const filler = createFiller(steps, {
    ...common,
    timeoutMs,
    onError: circuit === undefined ? 'throw' : 'miss',
    waitUntil,
    random,
  })
  const coalesced = createCoalescer((keys, cost) => readRows(runner, keys, cost), timeoutMs)
  const shared: Shared = {
    ...common,
    tables,
    runner,
    circuit,
    responseCircuit: createCircuit(),
    steps,
    filler,
    coalesced,
  }
  return scopedCache(shared, namespace === undefined ? ROOT : nestedScope(ROOT, namespace))
}

// With read replicas Drizzle sends every select to one of them, and our writes are selects with a CTE.
function primary(db: Database): Database {
  return (Reflect.get(db, '$primary') as Database | undefined) ?? db
}

function scopedCache(
  shared: Shared,
  scope: Scope,
): Cache & { readonly [CONTEXT]: Context; readonly [FILLS]: Fillable } {
  const context = { ...shared, scope }
  const cache = {
    ...reading(context),
    ...writing(context),
    ...counting(context),
    ...filling(context),
    ...removing(context),
    ...inspecting(context),
  }
  return {
    ...cache,
    namespace: (name) => scopedCache(shared, nestedScope(scope, name)),
    entry: (key) => entryHandle(context, key, cache),
    [CONTEXT]: context,
    [FILLS]: { steps: shared.steps, storedKey: (key) => storedKey(scope, key) },
  }
}

function checkedCodec(codec: Codec): Codec {
  if (typeof codec?.encode === 'function' && typeof codec.decode === 'function') return codec
  throw new InvalidOptionError(`Expected codec to have the functions encode and decode, got ${describeType(codec)}.`)
}

function checkedSlack(slack: unknown): number {
  if (typeof slack === 'number' && slack >= 0 && slack <= MAX_SLACK) return slack
  throw new InvalidOptionError(`Expected slack to be a number from 0 to ${MAX_SLACK}, got ${describeType(slack)}.`)
}
