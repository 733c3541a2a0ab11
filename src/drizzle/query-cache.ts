/** `queryCache`: Drizzle's own `cache` option, with rows in Postgres and exact invalidation. */
import { entityKind, type Table } from 'drizzle-orm'
import { Cache as DrizzleCache, type MutationOption } from 'drizzle-orm/cache/core'
import type { CacheConfig } from 'drizzle-orm/cache/core/types'
import type { Cache } from '../cache.ts'
import { FILLS, type Fillable } from '../fill/store.ts'
import { CONTEXT, type Context } from '../postgres/context.ts'
import { now } from '../values/clock.ts'
import { describeType, InvalidOptionError, isAway } from '../values/errors.ts'
import { noCost } from '../values/events.ts'
import { type Deadline, type Expiration, NEVER, parseExpiration } from '../values/expiration.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { randomUUID } from '../values/random.ts'
import { createOutstanding } from './outstanding.ts'
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
  const fillable = Reflect.get(Object(cache), FILLS) as Fillable | undefined
  if (fillable === undefined) {
    throw new InvalidOptionError(`Expected a cache of createCache, got ${describeType(cache)}.`)
  }
  const context = Reflect.get(Object(cache), CONTEXT) as Context | undefined
  return new PgstashQueryCache({
    cache,
    fillable,
    isGlobal: boolean('global', global),
    isEnabled: boolean('enabled', enabled),
    excluded: new Set([...ownTables(context), ...exclude.map(drizzleName)]),
    prefix,
    deadline: expiration === undefined ? (context?.expiration ?? NEVER) : parseExpiration(expiration, now()),
    affected: cascades(schema),
    circuit: context?.circuit,
    emit: context?.emit,
  })
}

interface Plan extends Partial<Pick<Context, 'circuit' | 'emit'>> {
  readonly cache: Cache
  readonly fillable: Fillable
  readonly isGlobal: boolean
  readonly isEnabled: boolean
  readonly excluded: ReadonlySet<string>
  readonly prefix: string
  readonly deadline: Deadline
  readonly affected: (tables: readonly string[]) => readonly string[]
}

class PgstashQueryCache extends DrizzleCache {
  static override readonly [entityKind]: string = 'PgstashQueryCache'
  readonly #plan: Plan
  readonly #misses = createOutstanding({ storedMs: MAX_QUERY_MS, endedMs: ENDED_MS })
  readonly #counts = { hits: 0, misses: 0, invalidations: new Map<string, number>() }

  constructor(plan: Plan) {
    super()
    this.#plan = plan
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
    const storedKey = this.#plan.fillable.storedKey(this.#plan.prefix + name + (isWatched ? '' : ' unwatched'))
    const token = randomUUID()
    // Only what it hands on with the rows says whose they are.
    const link = isWatched ? tables : undefined
    // Among runs that cannot be told apart a claim is of use only when it has stood for as long as one may take.
    const leaseMs = this.#misses.hasRivals(name, link, now()) ? ENDED_MS + MAX_QUERY_MS : MAX_QUERY_MS
    const found = await this.#readOrClaim(storedKey, token, leaseMs).catch((error) => this.#whenAway(error))
    if (found.rows !== undefined) {
      this.#counts.hits++
      // biome-ignore lint/suspicious/noExplicitAny: as above
      return found.rows as any
    }
    this.#counts.misses++
    const tags = isWatched ? tables.map(tableTag) : []
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
    const { steps } = this.#plan.fillable
    const { storedKey: key, token, tags, startedAt } = ended.claim
    try {
      if (!ended.isSafe) return await steps.release(key, token, noCost())
      const request = {
        ...{ key, token, value: rowsText(response), number: null, maxAgeMs: null, staleMs: 0, asOf: null },
        ...{ deadline: deadlineOf(config) ?? this.#plan.deadline, tags: tags.length === 0 ? null : tags },
        computeMs: now() - startedAt,
      }
      await steps.fill(request, noCost())
    } catch {
      // The caller has its rows; the lease runs out by itself.
    }
  }

  override async onMutate({ tags = [], tables = [] }: MutationOption): Promise<void> {
    const { cache, prefix, affected } = this.#plan
    const names = affected([tables].flat().map(drizzleName))
    for (const name of names) {
      this.#counts.invalidations.set(name, (this.#counts.invalidations.get(name) ?? 0) + 1)
    }
    const keys = [tags].flat().flatMap((tag) => {
      const name = prefix + entryName(tag, true)
      return [name, `${name} unwatched`]
    })
    await Promise.all([names.length > 0 ? cache.invalidate(names.map(tableTag)) : undefined, cache.deleteMany(keys)])
  }

  /** With the cache's `onError: 'miss'` the query runs; its rows are not stored. */
  #whenAway(error: unknown): { rows: undefined; claimed: false } {
    const { circuit, emit } = this.#plan
    if (circuit === undefined || !isAway(error)) throw error
    emit?.({ type: 'error', operation: 'get', error, durationMs: 0, ...noCost() })
    return { rows: undefined, claimed: false }
  }

  /** A hit's rows; an entry that cannot be read is claimed like one that is not there. */
  async #readOrClaim(
    key: string,
    token: string,
    leaseMs: number,
  ): Promise<{ rows: DriverResult | undefined; claimed: boolean }> {
    const { steps } = this.#plan.fillable
    const request = { key, token, leaseMs, staleMs: 0, early: 0, sliding: undefined }
    const { entry, claimed } = await steps.readOrClaim({ ...request, force: false }, noCost())
    if (entry === undefined) return { rows: undefined, claimed: claimed === true }
    try {
      return { rows: rowsOf(entry.value ?? ''), claimed: false }
    } catch {
      const forced = await steps.readOrClaim({ ...request, force: true }, noCost())
      return { rows: undefined, claimed: forced.claimed === true }
    }
  }
}

/** A custom tag *is* the key, as Drizzle defines it; it shares no name with the hash of a query. */
function entryName(key: string, isTag: boolean): string {
  return isTag ? `tag:${key}` : `sql:${key}`
}

/** Drizzle's forms of an expiration; `keepTtl` has nothing to keep, for only what is missing is stored. */
function deadlineOf({ ex, px, exat, pxat }: CacheConfig = {}): Deadline | undefined {
  if (ex !== undefined) return parseExpiration({ seconds: ex }, now())
  if (px !== undefined) return parseExpiration({ milliseconds: px }, now())
  if (exat !== undefined) return parseExpiration(new Date(exat * 1_000), now())
  return pxat === undefined ? undefined : parseExpiration(new Date(pxat), now())
}

/** A cache must not cache itself. */
function ownTables(context: Context | undefined): readonly string[] {
  if (context === undefined) return []
  const { entries, leases, invalidations, state } = context.tables
  return [entries, leases, invalidations, state].map(drizzleName)
}
