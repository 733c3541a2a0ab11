import pg from 'pg'
import { createCache } from 'pgstash'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 5 })
pool.on('error', console.error)

// The same pool serves your queries, Kysely, Prisma's adapter for pg, and the cache.
export const cache = createCache(pool, { expiration: '10m' })
