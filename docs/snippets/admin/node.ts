import { serve } from '@hono/node-server'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Hono } from 'hono'
import pg from 'pg'
import { createCache, memoryCache } from 'pgstash'
import { basic, cacheAdmin } from 'pgstash/admin'
import { rateLimit } from 'pgstash/hono'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
// A restart of Postgres ends idle connections. Without a listener, that would end the process.
pool.on('error', console.error)
const cache = createCache(drizzle({ client: pool }))
const authorize = basic({ user: 'ada', password: process.env.ADMIN_PASSWORD ?? '' })

const app = new Hono()
// Limits guesses of the password: all callers together have a hundred tries a minute.
app.use('/cache/*', rateLimit({ cache: memoryCache(), limit: 100, period: '1m', key: () => 'everybody' }))
app.route('/cache', cacheAdmin({ cache, authorize }))

export const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) })
