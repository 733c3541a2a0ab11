// api/[[...route]].ts; in Next.js app/api/[[...route]]/route.ts
import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { handle } from 'hono/vercel'
import { createCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'

const app = new Hono().basePath('/api')
// To refresh stale responses in the background, add the options `refresh` and `waitUntil` (of @vercel/functions).
app.use(responseCache({ cache: createCache(() => drizzle(process.env.DATABASE_URL ?? '')), staleIfError: '1d' }))
app.get('/report', (c) => c.json({ madeAt: new Date() }, 200, { 'cdn-cache-control': 'max-age=60' }))

export const GET = handle(app)
