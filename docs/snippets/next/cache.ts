// lib/cache.ts
import { neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { after } from 'next/server'
import { createCache, enableLocalNeon } from 'pgstash'

enableLocalNeon(neonConfig) // `localhost` means `pgstash dev`; all other hosts are Neon's

// Pass a function, so that `next build` can load this module without the variable.
export const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''), {
  expiration: '10m',
  // Stale values are refreshed after the response.
  waitUntil: (work) => after(() => work),
})
