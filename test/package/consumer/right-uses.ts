/** A program that uses pgstash as its users do. Tests compile it against the tarball with several compiler settings. */
import { PGlite } from '@electric-sql/pglite'
import { Pool as NeonPool, neon } from '@neondatabase/serverless'
import type { Meter } from '@opentelemetry/api'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import {
  addDecimals,
  asCached,
  type Cache,
  type CacheEntry,
  CacheError,
  type CacheErrorCode,
  type CacheEvent,
  type CacheOptions,
  type CacheSnapshot,
  type CacheTables,
  type ClaimAnswer,
  type ClaimRequest,
  type CleanupResult,
  type Codec,
  type CounterOptions,
  cached,
  cacheOver,
  claimEntry,
  compressingCodec,
  createCache,
  createCacheManager,
  type Database,
  type DatabaseClient,
  DatabaseError,
  type DatabaseSource,
  type Duration,
  databaseFromEnv,
  type EngineOptions,
  type EntryPage,
  type Expiration,
  encryptingCodec,
  formatSnapshot,
  getDefaultCache,
  invalidation,
  jsonCodec,
  type Lease,
  type LimitResult,
  type LimitRule,
  type ListInput,
  type ListOptions,
  type Metered,
  memoryCache,
  nullCache,
  parseSnapshot,
  type Reply,
  type Row,
  resolveDeadline,
  type Scope,
  type ShardedCache,
  type Store,
  type StoredEntry,
  selectPage,
  setDefaultCache,
  shardedCache,
  tieredCache,
  toListedRow,
  toReply,
  toRow,
  ValueTooLargeError,
  type WriteOptions,
  withMetrics,
} from 'pgstash'
import { type SecondaryStorage, secondaryStorage } from 'pgstash/better-auth'
import { cronRoute, type ScheduledHandler, scheduledCleanup } from 'pgstash/cron'
import { watchTables } from 'pgstash/drizzle'
import { type KeyvStore, keyvStore } from 'pgstash/keyv'
import { type MigrateOptions, migrate, migrationSql } from 'pgstash/migrate'
import { cacheHandler, cacheHandlers, type IncrementalCacheHandler, type UseCacheHandler } from 'pgstash/next'
import { incrementalCache, type Queue, queue, tagCache } from 'pgstash/opennext'
import { cacheEntries, cacheTables, expired, live } from 'pgstash/schema'
import { analyticsEngineColumns, analyticsEngineListener, openTelemetryListener } from 'pgstash/telemetry'
import {
  cacheContract,
  createFaults,
  type Fault,
  type StoresUnderTest,
  type StoreUnderTest,
  storeContract,
  type TestRunner,
} from 'pgstash/testing'
import { type UnstorageDriver, type UnstorageDriverOptions, unstorageDriver } from 'pgstash/unstorage'
import postgres from 'postgres'

const users = pgTable('users', { id: integer('id').primaryKey(), name: text('name').notNull() })
const schema = { users, cacheEntries }
const tables: CacheTables = cacheTables({ schema: 'cache', prefix: 'shop_' })

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}

const url = 'postgresql://user:password@localhost/database'

export const caches: Cache[] = [
  createCache(drizzleNeon(neon(url))),
  createCache(drizzleNeon(url, { schema })),
  createCache(drizzleNeon({ client: neon(url), schema })),
  createCache(drizzlePg(new pg.Pool())),
  createCache(() => drizzlePg(new pg.Pool())),
  createCache(() => drizzleNeon(neon(url)), { namespace: 'shop' }),
  createCache(drizzlePg({ client: new pg.Pool(), schema })),
  createCache(drizzlePostgres(postgres(url))),
  createCache(drizzlePostgres({ client: postgres(url), schema })),
  createCache(drizzlePglite(new PGlite())),
  createCache(drizzlePglite({ client: new PGlite(), schema })),
  createCache(url, { namespace: 'shop' }),
  createCache(() => url),
  createCache(neon(url)),
  createCache(neon(url, { arrayMode: true, fullResults: true })),
  createCache(new pg.Pool()),
  createCache(new pg.Client(url)),
  createCache(() => new pg.Pool()),
  createCache(new NeonPool()),
  createCache(postgres(url)),
  createCache(postgres(url, { types: { bigint: postgres.BigInt } })),
  createCache(new PGlite()),
  createCache.fromEnv(),
  createCache.fromEnv({ DATABASE_URL: url }, { expiration: '10m' }),
  createCache(databaseFromEnv({ DATABASE_URL: url })),
]

/** A Worker's bindings, which have no index signature. */
interface Env {
  DATABASE_URL: string
  HYPERDRIVE: { connectionString: string }
}
export const ofWorker = (env: Env): Cache => createCache.fromEnv(env)

/** Statements of transactions, as drivers take them. */
export async function invalidateIn(client: pg.PoolClient, sql: postgres.Sql): Promise<void> {
  const { text, values } = invalidation('product:1')
  await client.query(invalidation('product:1'))
  await sql.begin(async (tx) => {
    await tx.unsafe(text, values)
    await createCache(tx).delete('product:1')
  })
  const http = neon(url)
  await http.transaction([http.query(text, values)])
  await createCache(client).get('key')
  await new PGlite().transaction(async (tx) => createCache(tx).get('key'))
  const given: DatabaseClient[] = [client, sql, http]
  const source: DatabaseSource = () => client
  await migrate(url)
  await migrate(source)
  await watchTables(given[0] ?? client, 'products')
}

/** A pair of functions, as an encrypting codec has them. */
const codec: Codec = {
  encode: async (value, { key }) => `${key}:${JSON.stringify(value)}`,
  decode: (stored, { key }) => JSON.parse(stored.slice(key.length + 1)) as unknown,
}

export async function everyMethod(database: Database): Promise<void> {
  const events: CacheEvent[] = []
  const options: CacheOptions = {
    namespace: 'shop',
    expiration: '10m',
    codec,
    tables,
    timeout: 1_000,
    slack: 0.5,
    preparedNames: false,
    onEvent: (event) => events.push(event),
    maxValueBytes: 1_024,
  }
  const cache = createCache(database, options).namespace('carts')

  const user = await cache.get<{ name: string }>('user')
  same<typeof user, { name: string } | undefined>(true)
  const unknown = await cache.get('anything')
  same<typeof unknown, unknown>(true)
  const settings = await cache.get<string, null>('settings', { fallback: null, sliding: { minutes: 5 } })
  same<typeof settings, string | null>(true)
  const counted = await cache.get<number>('counted', { fallback: 0 })
  same<typeof counted, number>(true)
  const nullable = await cache.get<{ name: string }>('user', { fallback: null })
  same<typeof nullable, { name: string } | null>(true)
  const ttl = process.env.TTL === undefined ? undefined : Number(process.env.TTL)
  await cache.set('key', 1, { expiration: ttl, tags: undefined })

  const names = ['ada', 'grace']
  const found = await cache.getMany<number>(new Set(names))
  same<typeof found, Map<string, number>>(true)

  const never: Expiration = null
  const span: Duration = { days: 1, hours: 2 }
  const snapshot: CacheSnapshot = await cache.snapshot()
  const write: WriteOptions = { expiration: span, tags: new Set(['users']), asOf: snapshot }
  await cache.set('user', { name: 'Ada' }, write)
  await cache.set('user', { name: 'Ada' }, { expiration: new Date(), tags: ['users'] })
  await cache.setMany(
    names.map((n) => [n, 1]),
    { expiration: 60 },
  )
  await cache.setMany({ ada: 1, grace: { nested: true } })
  await cache.setMany(new Map([['ada', 1]]))
  const added: boolean = await cache.add('user', 1, { expiration: '1.5h' })
  const touched: boolean = (await cache.touch('user', never)) && (await cache.touch('user', '30s'))

  const counter: CounterOptions = { expiration: 60, sliding: true }
  const sum: number = (await cache.increment('hits', 2, counter)) + (await cache.decrement('hits'))
  const rule: LimitRule = { limit: 20, refill: 5, period: '1s', algorithm: 'token-bucket', cost: 2, blockList: true }
  const { allowed, remaining, resetAt, resetMs }: LimitResult = await cache.limit('login', { limit: 5, period: '1m' })
  const { retryMs, reason }: LimitResult = await cache.limit('bucket', rule)
  same<typeof retryMs, number>(true)
  same<typeof reason, 'block list' | undefined>(true)
  same<typeof resetAt, Date>(true)
  same<typeof resetMs, number>(true)

  const pulled = await cache.pull<{ token: string }>('token')
  same<typeof pulled, { token: string } | undefined>(true)
  const cleared = (await cache.clear({ prefix: 'user:' })) + (await cache.clear())
  const removed: number = (await cache.deleteMany(names)) + cleared + (await cache.count())
  const deadline = await cache.expiration('user')
  same<typeof deadline, Date | null | undefined>(true)
  await cache.invalidate('users')
  await cache.invalidate(new Set(['users']))

  const page: ListOptions = { prefix: 'u', state: 'live', limit: 10 }
  const { entries, cursor }: EntryPage = await cache.list(page)
  if (cursor !== undefined) await cache.list({ ...page, cursor })
  const { total, estimated } = await cache.stats()
  const result: CleanupResult = await cache.clearExpired({ batch: 10, timeBudget: 1_000, onProgress: () => {} })

  const entry: CacheEntry<number> = cache.entry<number>('answer')
  const value = await entry.value()
  same<typeof value, number | undefined>(true)
  const stored: number = await entry.set(42, { expiration: '1h' })
  use(added, touched, sum, allowed, remaining, removed, entries, total, estimated, result, stored, events, jsonCodec)
}

class Users {
  constructor(readonly cache: Cache) {}
  @cached({ cache: (self: Users) => self.cache, expiration: '10m', key: 'users' })
  async find(id: number): Promise<{ name: string }> {
    return { name: `user ${id}` }
  }
  @cached()
  static async count(): Promise<number> {
    return 1
  }
}

export async function stores(database: Database): Promise<void> {
  const memory = memoryCache({ maxEntries: 100, maxBytes: 1_000_000, now: () => Date.now(), expiration: '1m' })
  const spread: ShardedCache<'eu' | 'us'> = shardedCache({
    nodes: { eu: memory, us: createCache(database) },
    weights: { us: 2 },
  })
  const node = spread.namespace('app', { version: 2 }).getNode('key')
  same<typeof node, 'eu' | 'us'>(true)
  const caches = createCacheManager({ default: 'memory', stores: { memory, spread, off: nullCache() } })
  caches.extend('late', caches.store('off'))
  setDefaultCache(caches)
  const double = cached(async (n: number, precise?: boolean) => ({ n: 2 * n, precise }), {
    stale: '1h',
    tags: (n: number, _precise?: boolean) => [`n ${n}`],
  })
  const value = await double(4, true)
  same<typeof value, { n: number; precise: boolean | undefined }>(true)
  const key: string = double.key(4)
  const users = new Users(getDefaultCache())
  const user = await asCached(users.find).refresh(42)
  same<typeof user, { name: string }>(true)
  const raw = await crypto.subtle.importKey('raw', new Uint8Array(32), 'AES-GCM', false, ['encrypt', 'decrypt'])
  const secret = encryptingCodec({ keys: { a: raw, b: new Uint8Array(32) }, current: 'b', codec: compressingCodec() })
  use(key, secret, await Users.count(), await users.find(1))
}

/** Parts of a custom store. The whole example of the documents is compiled as well. */
export function ownStore(rest: Omit<Store, 'read' | 'readOrClaim' | 'count' | 'list'>): Cache & Metered {
  const entries = new Map<string, StoredEntry>()
  const leases = new Map<string, Lease>()
  const store: Store = {
    ...rest,
    read(key) {
      const entry = entries.get(key)
      return toReply<Row | undefined>(entry && toRow(entry, Date.now()))
    },
    async readOrClaim(request: ClaimRequest): Promise<Reply<ClaimAnswer>> {
      if (request.key === '') throw new DatabaseError('unreachable', { cost: { roundTrips: 1, bytes: 0 } })
      const state = { entry: entries.get(request.key), lease: leases.get(request.key), position: 0 }
      return toReply(claimEntry(state, request, Date.now()).answer, { roundTrips: 1, bytes: 10 })
    },
    count: (_key, { delta }) => toReply(addDecimals('1', delta)),
    list(scope: Scope, input: ListInput) {
      const rows = Array.from(entries.values(), (entry) => toListedRow(entry, false, Date.now()))
      return toReply(selectPage(rows, scope, input))
    },
  }
  const options: EngineOptions = { expiration: '1m', timeout: '2s', onError: 'miss', namespace: 'own' }
  use(resolveDeadline({ kind: 'after', ms: 5 }, Date.now()), parseSnapshot(formatSnapshot(1, '2'), '2'))
  return withMetrics(tieredCache({ l1: memoryCache(), l2: cacheOver(store, options) }))
}

export async function failures(cache: Cache): Promise<string> {
  try {
    await cache.set('key', 1n)
    return 'stored'
  } catch (error) {
    if (error instanceof ValueTooLargeError) return error.message
    if (error instanceof DatabaseError) return `${error.sqlState} ${error.status} ${error.sent}`
    if (!(error instanceof CacheError)) throw error
    same<typeof error.code, CacheErrorCode>(true)
    return error.code === 'UNSERIALIZABLE_VALUE' ? error.message : error.name
  }
}

export async function setUp(database: Database): Promise<void> {
  const options: MigrateOptions = { tables, unlogged: true, fillfactor: 90, compression: 'pglz' }
  await migrate(database, options)
  await migrate(drizzleNeon(url, { schema }), { autovacuumScaleFactor: 0.2, toastAutovacuumScaleFactor: 0.1 })
  const statement: string = migrationSql({ tables })
  const rows = await drizzlePg(url, { schema }).select({ key: cacheEntries.key }).from(cacheEntries).where(live())
  same<typeof rows, { key: string }[]>(true)
  use(statement, expired(tables))
}

interface Env {
  DATABASE_URL: string
}
const cacheOf = (env: Env) => createCache(drizzleNeon(env.DATABASE_URL))

export const scheduled: ScheduledHandler<Env> = scheduledCleanup(cacheOf, {
  timeBudget: 1_000,
  onResult: ({ removed, more }) => use(removed, more),
})

export function GET(cache: Cache, secret: string | undefined): (request: Request) => Promise<Response> {
  return cronRoute(() => cache, { secret, batch: 100 })
}

export function handlers(cache: Cache): [UseCacheHandler, IncrementalCacheHandler] {
  const Handler = cacheHandler(cache, { retention: '7d', buildId: 'one' })
  return [cacheHandlers(cache, { retention: { days: 7 } }), new Handler({ serverDistDir: '/app/.next/server' })]
}

export function storageDriver(cache: Cache): UnstorageDriver {
  const options: UnstorageDriverOptions = { cache, namespace: 'pages', base: 'app', ttl: '90d' }
  return unstorageDriver(options)
}

export async function rendered(makeCache: () => Cache): Promise<string | undefined> {
  const own: Queue = queue(makeCache, { timeout: '20s' })
  await tagCache(makeCache).writeTags(['posts', { tag: 'users', stale: 1, expire: 2 }])
  use(own)
  const found = await incrementalCache(makeCache, { retention: '90d' }).get<{ html: string }>('/page', 'cache')
  return found?.value.html
}

export function tested(store: StoreUnderTest): void {
  const fault: Fault = { kind: 'delay', ms: 1 }
  createFaults().next(fault)
  use(() => cacheContract, store)
}

export function testedStore(runner: TestRunner, create: () => Store): void {
  const stores: StoresUnderTest = { create, reset: async () => {}, advance: async (_ms: number) => {} }
  storeContract(runner, stores)
}

export function observed(
  database: Database,
  meter: Meter,
  dataset: { writeDataPoint(point?: { blobs?: (string | ArrayBuffer | null)[] }): void },
): Cache & Metered {
  const told = withMetrics(createCache(database, { onEvent: openTelemetryListener(meter) }))
  const cache = withMetrics(createCache(database, { onEvent: analyticsEngineListener(dataset, { sampleRate: 0.5 }) }))
  const rate: number = cache.metrics().rate
  const value = cache.getOrSet('key', async () => 1)
  same<typeof value, Promise<number>>(true)
  use(told, rate, analyticsEngineColumns.weight)
  return cache
}

function use(..._: unknown[]): void {}

export async function adapters(cache: Cache): Promise<[boolean, string | null]> {
  const keyv: KeyvStore = keyvStore(cache)
  const storage: SecondaryStorage = secondaryStorage(cache, { namespace: 'auth' })
  await storage.set('token', 'value', 60)
  return [await keyv.set('key', 1, 60_000), await storage.getAndDelete('token')]
}
