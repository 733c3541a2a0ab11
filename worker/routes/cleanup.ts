import { Hono } from 'hono'
import { queried, servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { sameSiteWrites } from '../same-site.ts'

const TIME_BUDGET_MS = 3_000

/** `POST /cleanup` does the work of the cron trigger at the press of a button. */
export const cleanup = new Hono<AppEnv>().post('/', sameSiteWrites, async (c) => {
  const result = await queried(servicesOf(c.env).cache.clearExpired({ timeBudget: TIME_BUDGET_MS }))
  return c.json(result, 200, { 'cache-control': 'no-store' })
})
