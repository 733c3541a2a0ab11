/** The demonstration worker: expensive answers about real cities, served from a cache in Postgres. */
import { scheduledCleanup } from 'pgstash/cron'
import { app } from './app.ts'
import { servicesOf } from './database.ts'
import type { Env } from './env.ts'

/** Well below the limit of a scheduled event. The next run removes the rest. */
const CLEANUP_BUDGET_MS = 20_000

export default {
  fetch: app.fetch,
  scheduled: scheduledCleanup((env: Env) => servicesOf(env).cache, {
    timeBudget: CLEANUP_BUDGET_MS,
    onResult: (result) => console.info(JSON.stringify({ event: 'cleanup', ...result })),
  }),
}
