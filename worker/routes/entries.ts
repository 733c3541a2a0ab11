import { Hono } from 'hono'
import { queried, servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'

/** The key of a response has its method and URL. The path is enough here. */
function pathOf(key: string): string {
  const { pathname, search } = new URL(key.replace(/^GET /, ''))
  return pathname + search
}

/** The page shows up to this many entries. A demonstration rarely has more. */
const SHOWN = 100

/** `GET /entries`: the answers that are in the cache now, with their deadlines. */
export const entries = new Hono<AppEnv>().get('/', async (c) => {
  const { responses } = servicesOf(c.env)
  const [live, expired] = await queried(
    Promise.all([responses.list({ state: 'live', limit: SHOWN }), responses.list({ state: 'expired', limit: SHOWN })]),
  )
  const now = Date.now()
  return c.json(
    {
      live: live.entries.map(({ key, expiresAt, tags, bytes }) => ({
        key: pathOf(key),
        seconds: expiresAt === null ? null : (expiresAt.getTime() - now) / 1000,
        tags,
        bytes,
      })),
      expired: expired.entries.map(({ key }) => pathOf(key)),
    },
    200,
    { 'cache-control': 'no-store' },
  )
})
