import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache, enableLocalNeon } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { handler } from './handler.ts'

enableLocalNeon(neonConfig)
const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''))
const cached = withResponseCache(handler, { cache, waitUntil: (work) => void work.catch(console.error) })
export const server = createServer(getRequestListener(cached)).listen(Number(process.env.PORT ?? 3000))
