import type { Context } from 'hono'
import type { Cache } from 'pgstash'
import { rateLimit } from 'pgstash/hono'

/** The program's own authentication sets this variable in front of the limit. */
interface User {
  id: string
  plan: 'free' | 'pro' | 'internal'
}
export type Env = { Variables: { user: User } }

const REQUESTS_PER_HOUR = { free: 60, pro: 5_000, internal: 0 }

export const perUser = (cache: Cache) =>
  rateLimit<Env>({
    cache,
    // A fixed name keeps the count after an upgrade. The new limit applies to it.
    name: 'hourly',
    limit: (c) => REQUESTS_PER_HOUR[c.var.user.plan],
    period: '1h',
    key: (c) => c.var.user.id,
    skip: (c: Context<Env>) => c.var.user.plan === 'internal',
  })
