import { cronRoute } from 'pgstash/cron'
import { cache } from '@/lib/cache'

// Vercel calls this route by vercel.json, and sends the variable CRON_SECRET.
export const GET = cronRoute(cache, { secret: process.env.CRON_SECRET })
