import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'

const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''))

export const app = new Hono()
app.use(responseCache({ cache }))
app.get('/time', (c) => c.json({ madeAt: new Date() }, 200, { 'cache-control': 'max-age=60' }))
