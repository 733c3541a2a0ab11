import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { queried, servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { RETRY_AFTER_SECONDS } from '../errors.ts'

/** `GET /health` says if the database answers, and how fast. */
export const health = new Hono<AppEnv>().get('/', async (c) => {
  const startedAt = Date.now()
  const headers = { 'cache-control': 'no-store' }
  try {
    await queried(servicesOf(c.env).db.execute(sql`select 1`))
    return c.json({ database: 'reachable', latencyMs: Date.now() - startedAt }, 200, headers)
  } catch {
    const retry = { ...headers, 'retry-after': String(RETRY_AFTER_SECONDS) }
    return c.json({ database: 'unreachable', latencyMs: Date.now() - startedAt }, 503, retry)
  }
})
