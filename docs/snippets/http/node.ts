import { serve } from '@hono/node-server'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Hono } from 'hono'
import pg from 'pg'
import { createCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
// A restart of Postgres ends idle connections. Without a listener, that would end the process.
pool.on('error', console.error)
export const db = drizzle({ client: pool })
const cache = createCache(db)

/** The process outlives its responses, so nothing has to keep this work alive. It must not reject. */
const waitUntil = (work: Promise<unknown>) => void work.catch(console.error)

const app = new Hono()
app.use(responseCache({ cache, stale: '1h', waitUntil, refresh: (request) => app.fetch(request) }))
app.get('/report', (c) => c.json({ madeAt: new Date() }, 200, { 'cache-control': 'max-age=60' }))

export const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) })
