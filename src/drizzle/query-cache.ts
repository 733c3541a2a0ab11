/** `queryCache`: Drizzle's own `cache` option, with rows in Postgres and exact invalidation. */
import { entityKind, type Table } from 'drizzle-orm'
import { Cache as DrizzleCache, type MutationOption } from 'drizzle-orm/cache/core'
import type { CacheConfig } from 'drizzle-orm/cache/core/types'
import type { Cache } from '../cache.ts'
import { isExhausted } from '../postgres/drivers/pool.ts'
import { type PostgresEngine, postgresEngineOf } from '../postgres/postgres-store.ts'
import { now } from '../values/clock.ts'
import { decodeValue, encodeValue, type StoredValue } from '../values/codec.ts'
import { DatabaseError, describeType, InvalidOptionError } from '../values/errors.ts'
import { noCost } from '../values/events.ts'
import { type Deadline, type Expiration, parseExpiration } from '../values/expiration.ts'
import { storedKey } from '../values/key.ts'
import { leaseToken } from '../values/lease-token.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { isRefusal } from '../values/outage.ts'
import { withDeadline } from '../values/with-deadline.ts'
import { createInvalidations } from './invalidations.ts'
import { isNeonHttp } from './neon-connection.ts'
import { createPendingMisses } from './pending-misses.ts'
import { deadlineOf, entryName, ownTables } from './query-cache-config.ts'
import { type DriverResult, rowsOf, rowsText } from './rows.ts'
import { cascades, drizzleName } from './table-names.ts'
import { tableTag } from './tags.ts'

/** Options of {@link queryCache}. */
export interface QueryCacheOptions {
  /** Caches every select that does not opt out. Default false: only queries with `$withCache()` are cached. */
  global?: boolean | undefined
  /** The expiration of queries that set none. Default: the cache's expiration. */
  expiration?: Expiration | undefined
  /**
   * Tables whose queries are never cached, as Drizzle tables or by name. Default: none, besides the tables of the
   * cache.
   */
  exclude?: readonly (Table | string)[] | undefined
  /** The prefix of each key; default `query:`. */
  prefix?: string | undefined
  /**
   * Your schema. Writes then also invalidate the tables that foreign keys cascade to, even if no trigger watches them.
   * Default: none.
   */
  schema?: Readonly<Record<string, unknown>> | undefined
  /** False caches nothing; writes still invalidate. Default true. */
  enabled?: boolean | undefined
}

const KNOWN_OPTIONS = ['global', 'expiration', 'exclude', 'prefix', 'schema', 'enabled'] as const

/** The longest run whose rows are still stored. Its lease keeps other processes from storing them for the same time. */
const MAX_QUERY_MS = 30_000
/** The time after which a query has ended or failed. HTTP requests and functions rarely last longer. */
const ENDED_MS = 300_000

/** How long a query or a write waits for the cache if it may hold the connection that the cache waits for. */
const MAX_WAIT_MS = 1_000

/** The counts of a query cache in this process. */
export interface QueryCacheStats {
  /** Queries whose rows came from the cache. */
  readonly hits: number
  /** Queries whose rows the cache did not have. */
  readonly misses: number
  /** The hit rate: `hits / (hits + misses)`. 0 before the first query. */
  readonly rate: number
  /** Invalidations by table, as Drizzle names it. */
  readonly invalidations: Readonly<Record<string, number>>
}

/** A cache for Drizzle's option `cache`, made by {@link queryCache}. `stats` returns its counts in this process. */
export type QueryCache = DrizzleCache & { stats(): QueryCacheStats }

/**
 * Creates a cache for Drizzle's `cache` option.
 *
 * Each query is tagged with the tables that it reads, and each write through Drizzle invalidates the tables that it
 * writes. Rows that were read before an invalidation committed are never served after it, even if they are stored late.
 *
 * @param cache a cache made by `createCache`
 * @throws InvalidOptionError, InvalidExpirationError
 * @example
 * const db = drizzle(env.DATABASE_URL, { cache: queryCache(createCache(drizzle(env.DATABASE_URL)), { expiration: '10m' }) })
 * const posts = await db.select().from(posts).$withCache()
 */
export function queryCache(cache: Cache, options?: QueryCacheOptions): QueryCache {
  const given = optionsObject<QueryCacheOptions>(options, KNOWN_OPTIONS)
  const { global = false, enabled = true, exclude = [], prefix = 'query:', schema = {}, expiration } = given
  const engine = postgresEngineOf(cache)
  if (engine === undefined) {
    throw new InvalidOptionError(`Expected a cache made by createCache, got ${describeType(cache)}.`)
  }
  return new PgstashQueryCache({
    cache,
    engine,
    isGlobal: boolean('global', global),
    isEnabled: boolean('enabled', enabled),
    excluded: new Set([...ownTables(engine), ...exclude.map(drizzleName)]),
    prefix,
    deadline: expiration === undefined ? engine.expiration : parseExpiration(expiration, now()),
    affected: cascades(schema),
  })
}

interface QueryCacheSettings {
  readonly cache: Cache
  readonly engine: PostgresEngine
  readonly isGlobal: boolean
  readonly isEnabled: boolean
  readonly excluded: ReadonlySet<string>
  readonly prefix: string
  readonly deadline: Deadline
  readonly affected: (tables: readonly string[]) => readonly string[]
}

interface Found {
  readonly rows: DriverResult | undefined
  readonly claimed: boolean
}

class PgstashQueryCache extends DrizzleCache {
  static override readonly [entityKind]: string = 'PgstashQueryCache'
  readonly #settings: QueryCacheSettings
  readonly #pendingMisses = createPendingMisses({ storedMs: MAX_QUERY_MS, endedMs: ENDED_MS })
  readonly #invalidations: ReturnType<typeof createInvalidations>
  readonly #counts = { hits: 0, misses: 0, invalidations: new Map<string, number>() }

  constructor(settings: QueryCacheSettings) {
    super()
    this.#settings = settings
    const { cache, engine } = settings
    this.#invalidations = createInvalidations({
      send: ({ tags, keys }) =>
        Promise.all([tags.length > 0 ? cache.invalidate(tags) : undefined, cache.deleteMany(keys)]),
      client: () => clientOf(engine),
      patienceMs: (client) => (isNeonHttp(Object(client)) ? engine.timeoutMs : Math.min(MAX_WAIT_MS, engine.timeoutMs)),
      emit: engine.emit,
      waitUntil: engine.waitUntil,
    })
  }

  override strategy(): 'explicit' | 'all' {
    return this.#settings.isGlobal ? 'all' : 'explicit'
  }

  stats(): QueryCacheStats {
    const { hits, misses, invalidations } = this.#counts
    const rate = hits + misses === 0 ? 0 : hits / (hits + misses)
    return { hits, misses, rate, invalidations: Object.fromEntries(invalidations) }
  }

  override async get(
    key: string,
    tables: string[],
    isTag: boolean,
    isAutoInvalidate?: boolean,
    // biome-ignore lint/suspicious/noExplicitAny: Drizzle declares `any`, because each driver has another result
  ): Promise<any[] | undefined> {
    if (!this.#settings.isEnabled || tables.some((table) => this.#settings.excluded.has(table))) return undefined
    const isWatched = isAutoInvalidate !== false
    // Drizzle 0.45 does not report the tables of a CTE. Without tables nothing could invalidate the rows, so do not
    // cache them.
    if (isWatched && tables.length === 0) return undefined
    const name = entryName(key, isTag)
    const ownKey = this.#settings.prefix + name + (isWatched ? '' : ' unwatched')
    const tags = isWatched ? tables.map(tableTag) : []
    // The invalidation of an earlier write may have failed: send it first.
    if (this.#invalidations.hasFailed()) await this.#invalidations.apply({ tags: [], keys: [] })
    if (this.#invalidations.isUnsettled([...tags, ownKey])) return undefined
    const storedKey = this.#storedKey(ownKey)
    // Drizzle passes this array to `put` as well, so it links the rows to this run.
    const link = isWatched ? tables : undefined
    // With concurrent runs that cannot be told apart, a claim becomes usable only after the longest run, so hold it
    // longer.
    const leaseMs = this.#pendingMisses.hasConcurrentRuns(name, link, now()) ? ENDED_MS + MAX_QUERY_MS : MAX_QUERY_MS
    const token = leaseToken(leaseMs)
    const found = await this.#findRows(storedKey, token, leaseMs)
    // No connection became free, perhaps because the caller holds all of them.
    if (found === undefined) return undefined
    if (found.rows !== undefined) {
      this.#counts.hits++
      // biome-ignore lint/suspicious/noExplicitAny: as above
      return found.rows as any
    }
    this.#counts.misses++
    this.#pendingMisses.open(name, link, {
      token: found.claimed ? token : undefined,
      storedKey,
      tags,
      startedAt: now(),
    })
    return undefined
  }

  override async put(
    hashedQuery: string,
    response: unknown,
    tables: string[],
    isTag: boolean,
    config?: CacheConfig,
  ): Promise<void> {
    const ended = this.#pendingMisses.close(entryName(hashedQuery, isTag), tables, now())
    if (ended?.claim.token === undefined) return
    const { storedKey: key, token, tags, startedAt } = ended.claim
    const release = async () => {
      await this.#settings.engine.store.release(key, token)
    }
    try {
      if (!ended.isSafe) return await release()
      const stored = await this.#encode(key, response)
      // Release the lease, so that no caller waits for rows that will never arrive.
      if (stored === undefined) return await release()
      await this.#settings.engine.store.fill({
        ...stored,
        ...{ key, token, tags: tags.length === 0 ? null : tags, maxAgeMs: null, staleMs: 0, asOf: null },
        deadline: deadlineOf(config) ?? this.#settings.deadline,
        computeMs: now() - startedAt,
      })
    } catch (error) {
      // Do not throw: the caller has its rows, and the lease expires by itself.
      this.#emitError('put', error)
      // A healthy database refused the rows, so it can release the lease.
      if (isRefusal(error)) await release().catch(() => {})
    }
  }

  override async onMutate({ tags = [], tables = [] }: MutationOption): Promise<void> {
    const { prefix, affected } = this.#settings
    const names = affected([tables].flat().map(drizzleName))
    for (const name of names) {
      this.#counts.invalidations.set(name, (this.#counts.invalidations.get(name) ?? 0) + 1)
    }
    const keys = [tags].flat().flatMap((tag) => {
      const name = prefix + entryName(tag, true)
      return [name, `${name} unwatched`]
    })
    // The rows are written, or will be, so a failure of the cache must not fail the write.
    await this.#invalidations.apply({ tags: names.map(tableTag), keys })
  }

  /** Returns undefined if the rows cannot be stored. */
  async #encode(key: string, response: unknown): Promise<StoredValue | undefined> {
    try {
      return await encodeValue(rowsText(response), key, this.#settings.engine)
    } catch (error) {
      this.#emitError('put', error)
      return undefined
    }
  }

  #emitError(operation: string, error: unknown): void {
    this.#settings.engine.emit?.({ type: 'error', operation, error, durationMs: 0, ...noCost() })
  }

  #storedKey(key: string): string {
    return storedKey(this.#settings.engine.scope, key)
  }

  /** Returns undefined if the cache's pool had no free connection for too long. */
  async #findRows(key: string, token: string, leaseMs: number): Promise<Found | undefined> {
    const reading = this.#readOrClaim(key, token, leaseMs)
    if (!isExhausted(clientOf(this.#settings.engine))) return reading
    const found = await withDeadline(MAX_WAIT_MS, reading)
    if (found !== undefined) return found
    const release = () => this.#settings.engine.store.release(key, token)
    reading.then(({ claimed }) => (claimed ? release() : undefined)).catch(() => {})
    this.#emitError(
      'get',
      new DatabaseError(
        'No connection of the cache’s pool became free in time, so the query runs uncached. Give the cache its own pool.',
      ),
    )
    return undefined
  }

  /** Returns the rows of a hit, or claims the lease. An entry that cannot be decoded counts as a miss. */
  async #readOrClaim(key: string, token: string, leaseMs: number): Promise<Found> {
    const { store } = this.#settings.engine
    const request = { key, token, leaseMs, staleMs: 0, early: 0, sliding: undefined }
    const { value, failure } = await store.readOrClaim({ ...request, force: false })
    // With `onError: 'miss'`, an unreachable database counts as a miss: the query runs, and its rows are not stored.
    if (failure !== undefined) this.#emitError('get', failure)
    const { entry, claimed } = value
    if (entry === undefined) return { rows: undefined, claimed: claimed === true }
    try {
      const text = await decodeValue(entry, key, this.#settings.engine.codec)
      return { rows: rowsOf(String(text)), claimed: false }
    } catch {
      const forced = await store.readOrClaim({ ...request, force: true })
      return { rows: undefined, claimed: forced.value.claimed === true }
    }
  }
}

/**
 * Returns undefined if the function that creates the database throws. The call that needs the database reports the
 * error.
 */
function clientOf({ store: { runner } }: PostgresEngine): unknown {
  try {
    return runner.client()
  } catch {
    return undefined
  }
}
