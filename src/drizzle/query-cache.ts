/** `queryCache`: Drizzle's own `cache` option, with rows in Postgres and exact invalidation. */
import { entityKind, type Table } from 'drizzle-orm'
import { Cache as DrizzleCache, type MutationOption } from 'drizzle-orm/cache/core'
import type { CacheConfig } from 'drizzle-orm/cache/core/types'
import type { Cache } from '../cache.ts'
import { isExhausted } from '../postgres/pool-gate.ts'
import { type PostgresEngine, postgresEngineOf } from '../postgres/postgres-store.ts'
import { now } from '../values/clock.ts'
import { decodeValue, encodeValue, type StoredValue } from '../values/codec.ts'
import { DatabaseError, describeType, InvalidOptionError } from '../values/errors.ts'
import { noCost } from '../values/events.ts'
import { type Deadline, type Expiration, parseExpiration } from '../values/expiration.ts'
import { storedKey } from '../values/key.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { randomUUID } from '../values/random.ts'
import { within } from '../values/within.ts'
import { createInvalidations } from './invalidations.ts'
import { isNeonHttp } from './neon-connection.ts'
import { createOutstanding } from './outstanding.ts'
import { deadlineOf, entryName, ownTables } from './query-cache-config.ts'
import { type DriverResult, rowsOf, rowsText } from './rows.ts'
import { cascades, drizzleName } from './table-names.ts'
import { tableTag } from './tags.ts'

export interface QueryCacheOptions {
  /** Caches every select that does not say otherwise; default false: those with `$withCache()`. */
  global?: boolean | undefined
  /** For queries that name none; default the cache's own. */
  expiration?: Expiration | undefined
  /** Tables whose queries are never cached. */
  exclude?: readonly (Table | string)[] | undefined
  /** Before each key; default `query:`. */
  prefix?: string | undefined
  /** Your schema, so that cascades of foreign keys are followed where no trigger watches the tables. */
  schema?: Readonly<Record<string, unknown>> | undefined
  /** False: nothing is cached, and writes still invalidate. Default true. */
  enabled?: boolean | undefined
}

const KNOWN_OPTIONS = ['global', 'expiration', 'exclude', 'prefix', 'schema', 'enabled'] as const

/** How long a query may take and its rows still be stored; for so long no other process stores them either. */
const MAX_QUERY_MS = 30_000
/** After which a query has ended, or failed: longer than any HTTP request for one, and than functions run as a rule. */
const ENDED_MS = 300_000

/** A query or a write waits for the cache for so long, if it may hold the connection that the cache waits for. */
const MAX_WAIT_MS = 1_000

/** What a query cache has done in this process. */
export interface QueryCacheStats {
  readonly hits: number
  readonly misses: number
  /** hits / (hits + misses), 0 before the first. */
  readonly rate: number
  /** Invalidations by table, as Drizzle names it. */
  readonly invalidations: Readonly<Record<string, number>>
}

export type QueryCache = DrizzleCache & { stats(): QueryCacheStats }

/**
 * A cache for Drizzle's `cache` option.
 *
 * Each query is tagged with the tables that it reads, and each write of Drizzle's invalidates those that it writes. Rows
 * that were read before an invalidation committed are never served after it, however late they are stored.
 *
 * @param cache a cache of `createCache`
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
    throw new InvalidOptionError(`Expected a cache of createCache, got ${describeType(cache)}.`)
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

interface Plan {
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
  readonly #plan: Plan
  readonly #misses = createOutstanding({ storedMs: MAX_QUERY_MS, endedMs: ENDED_MS })
  readonly #invalidations: ReturnType<typeof createInvalidations>
  readonly #counts = { hits: 0, misses: 0, invalidations: new Map<string, number>() }

  constructor(plan: Plan) {
    super()
    this.#plan = plan
    const { cache, engine } = plan
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
    return this.#plan.isGlobal ? 'all' : 'explicit'
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
    // biome-ignore lint/suspicious/noExplicitAny: what Drizzle declares; the driver's result, whatever that is
  ): Promise<any[] | undefined> {
    if (!this.#plan.isEnabled || tables.some((table) => this.#plan.excluded.has(table))) return undefined
    const isWatched = isAutoInvalidate !== false
    // Drizzle 0.45 does not tell what a CTE reads: what nothing can invalidate is not cached.
    if (isWatched && tables.length === 0) return undefined
    const name = entryName(key, isTag)
    const ownKey = this.#plan.prefix + name + (isWatched ? '' : ' unwatched')
    const tags = isWatched ? tables.map(tableTag) : []
    // An earlier write may still owe its invalidation.
    if (this.#invalidations.hasFailed()) await this.#invalidations.apply({ tags: [], keys: [] })
    if (this.#invalidations.isUnsettled([...tags, ownKey])) return undefined
    const storedKey = this.#storedKey(ownKey)
    const token = randomUUID()
    // Only what it hands on with the rows says whose they are.
    const link = isWatched ? tables : undefined
    // Among runs that cannot be told apart a claim is of use only when it has stood for as long as one may take.
    const leaseMs = this.#misses.hasRivals(name, link, now()) ? ENDED_MS + MAX_QUERY_MS : MAX_QUERY_MS
    const found = await this.#found(storedKey, token, leaseMs)
    // No connection came free: the caller may hold all of them.
    if (found === undefined) return undefined
    if (found.rows !== undefined) {
      this.#counts.hits++
      // biome-ignore lint/suspicious/noExplicitAny: as above
      return found.rows as any
    }
    this.#counts.misses++
    this.#misses.open(name, link, { token: found.claimed ? token : undefined, storedKey, tags, startedAt: now() })
    return undefined
  }

  override async put(
    hashedQuery: string,
    response: unknown,
    tables: string[],
    isTag: boolean,
    config?: CacheConfig,
  ): Promise<void> {
    const ended = this.#misses.close(entryName(hashedQuery, isTag), tables, now())
    if (ended?.claim.token === undefined) return
    const { storedKey: key, token, tags, startedAt } = ended.claim
    const release = async () => {
      await this.#plan.engine.store.release(key, token)
    }
    try {
      if (!ended.isSafe) return await release()
      const stored = await this.#encoded(key, response)
      // Nobody waits for rows that will never be there.
      if (stored === undefined) return await release()
      await this.#plan.engine.store.fill({
        ...stored,
        ...{ key, token, tags: tags.length === 0 ? null : tags, maxAgeMs: null, staleMs: 0, asOf: null },
        deadline: deadlineOf(config) ?? this.#plan.deadline,
        computeMs: now() - startedAt,
      })
    } catch (error) {
      // The caller has its rows; the lease runs out by itself.
      this.#tell('put', error)
    }
  }

  override async onMutate({ tags = [], tables = [] }: MutationOption): Promise<void> {
    const { prefix, affected } = this.#plan
    const names = affected([tables].flat().map(drizzleName))
    for (const name of names) {
      this.#counts.invalidations.set(name, (this.#counts.invalidations.get(name) ?? 0) + 1)
    }
    const keys = [tags].flat().flatMap((tag) => {
      const name = prefix + entryName(tag, true)
      return [name, `${name} unwatched`]
    })
    // The rows are written, or will be: no failure of the cache is a failure of theirs.
    await this.#invalidations.apply({ tags: names.map(tableTag), keys })
  }

  /** Undefined if the rows cannot be stored. */
  async #encoded(key: string, response: unknown): Promise<StoredValue | undefined> {
    try {
      return await encodeValue(rowsText(response), key, this.#plan.engine)
    } catch (error) {
      this.#tell('put', error)
      return undefined
    }
  }

  #tell(operation: string, error: unknown): void {
    this.#plan.engine.emit?.({ type: 'error', operation, error, durationMs: 0, ...noCost() })
  }

  #storedKey(key: string): string {
    return storedKey(this.#plan.engine.scope, key)
  }

  /** Undefined if the cache's pool had no connection to give for too long. */
  async #found(key: string, token: string, leaseMs: number): Promise<Found | undefined> {
    const reading = this.#readOrClaim(key, token, leaseMs)
    if (!isExhausted(clientOf(this.#plan.engine))) return reading
    const found = await within(MAX_WAIT_MS, reading)
    if (found !== undefined) return found
    const release = () => this.#plan.engine.store.release(key, token)
    reading.then(({ claimed }) => (claimed ? release() : undefined)).catch(() => {})
    this.#tell('get', new DatabaseError('No connection of the cache’s pool came free; the query runs uncached.'))
    return undefined
  }

  /** A hit's rows; an entry that cannot be read is claimed like one that is not there. */
  async #readOrClaim(key: string, token: string, leaseMs: number): Promise<Found> {
    const { store } = this.#plan.engine
    const request = { key, token, leaseMs, staleMs: 0, early: 0, sliding: undefined }
    const { value, failure } = await store.readOrClaim({ ...request, force: false })
    // With the cache's `onError: 'miss'` the query runs; its rows are not stored.
    if (failure !== undefined) this.#tell('get', failure)
    const { entry, claimed } = value
    if (entry === undefined) return { rows: undefined, claimed: claimed === true }
    try {
      const text = await decodeValue(entry, key, this.#plan.engine.codec)
      return { rows: rowsOf(String(text)), claimed: false }
    } catch {
      const forced = await store.readOrClaim({ ...request, force: true })
      return { rows: undefined, claimed: forced.value.claimed === true }
    }
  }
}

/** Undefined if the function that makes the database throws: the call that needs it will say so. */
function clientOf({ store: { runner } }: PostgresEngine): unknown {
  try {
    return runner.client()
  } catch {
    return undefined
  }
}
