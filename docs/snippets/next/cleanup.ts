// app/api/cleanup/route.ts; in vercel.json: { "crons": [{ "path": "/api/cleanup", "schedule": "0 4 * * *" }] }
import { cronRoute } from 'pgstash/cron'
import { cache } from '@/lib/cache'

// Vercel sends the variable CRON_SECRET with each call; nobody else knows it.
export const GET = cronRoute(cache, { secret: process.env.CRON_SECRET })
