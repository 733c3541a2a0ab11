/** A worker with drivers that keep connections. The path names the driver and the owner of the client. */
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import { type Cache, CacheError, type CacheOptions, createCache } from 'pgstash'
import postgres from 'postgres'

interface Env {
  HYPERDRIVE: { connectionString: string }
}

interface Made {
  readonly cache: Cache
  end(): Promise<unknown>
}

const DRIVERS: Record<string, (url: string, options: CacheOptions) => Promise<Made>> = {
  async client(connectionString, options) {
    const client = new pg.Client({ connectionString })
    await client.connect()
    return { cache: createCache(drizzlePg({ client }), options), end: () => client.end() }
  },
  async pool(connectionString, options) {
    const pool = new pg.Pool({ connectionString, max: 2 })
    return { cache: createCache(drizzlePg({ client: pool }), options), end: () => pool.end() }
  },
  async 'one-use-pool'(connectionString, options) {
    const pool = new pg.Pool({ connectionString, max: 2, maxUses: 1 })
    return { cache: createCache(drizzlePg({ client: pool }), options), end: () => pool.end() }
  },
  async postgres(url, options) {
    const client = postgres(url, { max: 2, fetch_types: false })
    return { cache: createCache(drizzlePostgres({ client }), options), end: () => client.end() }
  },
}

/** The caches that all requests of the isolate share, by driver. */
const shared = new Map<string, Promise<Made>>()

/** A client that other code used before the cache. */
let usedBefore: pg.Client | undefined

export default {
  async fetch(request: Request, { HYPERDRIVE: { connectionString } }: Env) {
    const url = new URL(request.url)
    const [, owner = '', driver = ''] = url.pathname.split('/')
    const key = url.searchParams.get('key') ?? 'key'
    const options: CacheOptions = { timeout: 60_000, ...(url.searchParams.has('miss') && { onError: 'miss' }) }
    try {
      if (owner === 'used-before') return Response.json(await useLate(connectionString))
      const make = () => (DRIVERS[driver] as (typeof DRIVERS)[string])(connectionString, options)
      if (owner === 'shared' && !shared.has(driver)) shared.set(driver, make())
      const { cache, end } = owner === 'shared' ? await (shared.get(driver) as Promise<Made>) : await make()
      const computed = await cache.getOrSet(key, () => 'computed')
      await cache.set(`${key}:own`, key)
      const read = await cache.get(`${key}:own`)
      const count = await cache.increment('count')
      if (owner === 'own') await end()
      return Response.json({ computed, read, counted: count > 0 })
    } catch (error) {
      if (!(error instanceof CacheError)) throw error
      return Response.json({ code: error.code, message: error.message })
    }
  },
}

async function useLate(connectionString: string) {
  if (usedBefore === undefined) {
    usedBefore = new pg.Client({ connectionString })
    await usedBefore.connect()
    return 'connected'
  }
  // No answer will come, however long the caller waits.
  return createCache(drizzlePg({ client: usedBefore }), { timeout: 500 }).get('key')
}
