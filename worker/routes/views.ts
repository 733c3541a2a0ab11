import { Hono } from 'hono'
import { queried, servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'

export const VIEWS_KEY = 'views'

/** `GET /views` returns the number of times that the page was opened. */
export const views = new Hono<AppEnv>().get('/', async (c) => {
  const count = await queried(servicesOf(c.env).cache.get(VIEWS_KEY, { fallback: 0 }))
  return c.json({ views: count }, 200, { 'cache-control': 'no-store' })
})
