import pg from 'pg'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
// A restart of Postgres ends idle connections. Without a listener, that would end the process.
pool.on('error', console.error)
await migrate(pool)

export const cache = createCache(pool, { namespace: 'shop', expiration: '10m' })
await cache.set('user:42', { name: 'Ada' })
console.log(await cache.get<{ name: string }>('user:42'))
