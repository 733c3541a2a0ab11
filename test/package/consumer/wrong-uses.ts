/** Mistakes that the types catch. The compilation fails if an expected error is missing. */
import {
  type Cache,
  type CacheSnapshot,
  cached,
  cacheOver,
  createCache,
  createCacheManager,
  type Database,
  type Expiration,
  encryptingCodec,
  memoryCache,
  type Store,
  shardedCache,
  toReply,
} from 'pgstash'
import { cronRoute, scheduledCleanup } from 'pgstash/cron'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { analyticsEngineListener, openTelemetryListener } from 'pgstash/telemetry'

export async function mistakes(cache: Cache, db: Database, ownStore: Store, variable?: string): Promise<void> {
  // @ts-expect-error a key is a string
  await cache.get(42)
  // @ts-expect-error a miss is undefined, not the type alone
  const name: string = await cache.get<string>('name')
  // @ts-expect-error sliding is a span
  await cache.get('key', { sliding: true })
  // @ts-expect-error the value is missing
  await cache.set('key')
  // @ts-expect-error no such unit of time
  await cache.set('key', 1, { expiration: '5 minutes' })
  // @ts-expect-error the option is called expiration
  await cache.set('key', 1, { ttl: 60 })
  // @ts-expect-error no such field of a Duration
  const span: Expiration = { weeks: 1 }
  // @ts-expect-error a snapshot comes from snapshot()
  const snapshot: CacheSnapshot = '1:1:'
  // @ts-expect-error pairs, not keys
  await cache.setMany(['a', 'b'])
  // @ts-expect-error keys, in an iterable
  await cache.deleteMany(42)
  // @ts-expect-error counters count numbers
  await cache.increment('key', '1')
  // @ts-expect-error a limit needs its period
  await cache.limit('key', { limit: 1 })
  // @ts-expect-error no such state
  await cache.list({ state: 'stale' })
  // @ts-expect-error the entry's type is the one given
  await cache.entry<number>('key').set('text')
  // @ts-expect-error a variable may be missing
  createCache(variable)
  // @ts-expect-error neither is an object a database
  createCache({})
  // @ts-expect-error nor is a number that a function returns
  createCache(() => 42)
  // @ts-expect-error a cache is no database
  createCache(memoryCache())
  // @ts-expect-error a database is made at once
  createCache(async () => db)
  // @ts-expect-error no such option
  createCache(db, { prefix: 'shop' })
  // @ts-expect-error a codec has both directions
  createCache(db, { codec: { encode: JSON.stringify } })
  // @ts-expect-error names are text
  cacheTables({ prefix: 1 })
  // @ts-expect-error no such compression
  await migrate(db, { compression: 'zstd' })
  // @ts-expect-error a cron route without a secret would be open to everybody
  cronRoute(cache)
  // @ts-expect-error a cache or what makes one
  scheduledCleanup(db)
  // @ts-expect-error a meter is not its provider
  openTelemetryListener({ getMeter: () => {} })
  // @ts-expect-error no such option
  analyticsEngineListener({ writeDataPoint: () => {} }, { sample: 0.1 })
  // @ts-expect-error a cache is no store
  cacheOver(memoryCache())
  // @ts-expect-error a store has every method
  cacheOver({ isLocal: true, read: () => toReply(undefined) })
  // @ts-expect-error a store answers with replies
  const read: Store['read'] = async () => undefined
  // @ts-expect-error only the store on Postgres has tables
  cacheOver(ownStore, { tables: cacheTables() })
  // @ts-expect-error the default is one of the stores
  createCacheManager({ default: 'redis', stores: { memory: memoryCache() } })
  // @ts-expect-error a weight of a node that is not there
  shardedCache({ nodes: { a: memoryCache() }, weights: { b: 2 } })
  // @ts-expect-error arguments as the function has them
  await cached(async (id: number) => id)('1')
  // @ts-expect-error the current key is one of the keys
  encryptingCodec({ keys: { a: new Uint8Array(32) }, current: 'b' })
  class Wrong {
    // @ts-expect-error a method that answers with no promise
    @cached()
    find() {
      return 1
    }
  }
  void [name, span, snapshot, read, Wrong]
}
