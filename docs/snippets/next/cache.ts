// lib/cache.ts
import { drizzle } from 'drizzle-orm/neon-http'
import { after } from 'next/server'
import { createCache } from 'pgstash'

// A function: `next build` loads this module, and need not have the variable.
export const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''), {
  expiration: '10m',
  // Refreshes of stale values go on after the response.
  waitUntil: (work) => after(() => work),
})
