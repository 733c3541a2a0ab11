import { after } from 'next/server'
import { createCache } from 'pgstash'

// One cache for the app. It reads DATABASE_URL at its first statement, so `next build` needs no database.
export const cache = createCache.fromEnv(process.env, {
  // If the database is unreachable, each request asks GitHub.
  onError: 'miss',
  // Stale values are refreshed after the response.
  waitUntil: (work) => after(() => work),
})
