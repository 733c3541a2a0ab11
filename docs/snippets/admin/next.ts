// app/cache/[[...page]]/route.ts
import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { handle } from 'hono/vercel'
import { createCache } from 'pgstash'
import { type Authorize, basic, cacheAdmin } from 'pgstash/admin'

const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''))
// At each request: `next build` loads this module, and need not have the password. Without one nobody gets in.
const authorize: Authorize = (c) => basic({ user: 'ada', password: process.env.ADMIN_PASSWORD ?? '' })(c)

const app = new Hono().route('/cache', cacheAdmin({ cache, authorize }))

export const GET = handle(app)
export const POST = handle(app)
