import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { createCache, listen, memoryCache, tieredCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'

/** For a process that keeps a connection: copies live for an hour, and go as soon as anybody writes. */
export async function createListening(url: string) {
  const pool = new pg.Pool({ connectionString: url })
  // A restart of Postgres ends idle connections. Without a listener, that would end the process.
  pool.on('error', console.error)
  const db = drizzle({ client: pool })
  await migrate(db, { notify: 'cache' })
  const cache = tieredCache({ l1: memoryCache(), l2: createCache(db), l1Expiration: '1h' })
  const listening = listen(cache, { channel: 'cache', connect: () => new pg.Client(url), onError: console.error })
  await listening.ready
  return { cache, close: () => Promise.all([listening.close(), pool.end()]) }
}
