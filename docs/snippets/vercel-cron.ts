// api/cleanup.ts; in vercel.json: { "crons": [{ "path": "/api/cleanup", "schedule": "0 4 * * *" }] }
import { createCache } from 'pgstash'
import { cronRoute } from 'pgstash/cron'

const cache = createCache.fromEnv()

// Vercel sends the variable CRON_SECRET with each call; nobody else knows it.
export const GET = cronRoute(cache, { secret: process.env.CRON_SECRET })
