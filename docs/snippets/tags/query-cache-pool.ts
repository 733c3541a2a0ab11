import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { createCache } from 'pgstash'
import { queryCache } from 'pgstash/drizzle'

/** The cache has a small pool of its own. The namespace keeps the rows of one tenant from all others. */
export function openDatabase(connectionString: string, tenant: string) {
  const [pool, cachePool] = [new pg.Pool({ connectionString }), new pg.Pool({ connectionString, max: 2 })]
  // A restart of Postgres ends idle connections. Without a listener, that would end the process.
  for (const each of [pool, cachePool]) each.on('error', console.error)
  const cache = createCache(drizzle(cachePool), { namespace: `tenant:${tenant}` })
  const db = drizzle({ client: pool, cache: queryCache(cache, { expiration: '10m' }) })
  return { db, close: () => Promise.all([pool.end(), cachePool.end()]) }
}
