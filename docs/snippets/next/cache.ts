// lib/cache.ts
import { after } from 'next/server'
import { createCache } from 'pgstash'

// Reads DATABASE_URL at the first statement, so `next build` can load this module without the variable.
export const cache = createCache.fromEnv(process.env, {
  expiration: '10m',
  // Stale values are refreshed after the response.
  waitUntil: (work) => after(() => work),
})
