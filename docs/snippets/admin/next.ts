// app/cache/[[...page]]/route.ts
import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { handle } from 'hono/vercel'
import { createCache } from 'pgstash'
import { basic, cacheAdmin } from 'pgstash/admin'

const cache = createCache(drizzle(process.env.DATABASE_URL ?? ''))
const authorize = basic({ user: 'ada', password: process.env.ADMIN_PASSWORD ?? '' })

const app = new Hono().route('/cache', cacheAdmin({ cache, authorize }))

export const GET = handle(app)
export const POST = handle(app)
