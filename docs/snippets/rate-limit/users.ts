import type { Context } from 'hono'
import type { Cache } from 'pgstash'
import { rateLimit } from 'pgstash/hono'

/** What the program's own authentication puts on the context, before the limit. */
interface User {
  id: string
  plan: 'free' | 'pro' | 'internal'
}
export type Env = { Variables: { user: User } }

const REQUESTS_PER_HOUR = { free: 60, pro: 5_000, internal: 0 }

export const perUser = (cache: Cache) =>
  rateLimit<Env>({
    cache,
    // With a name, an upgrade keeps what was counted, and counts it against the new limit.
    name: 'hourly',
    limit: (c) => REQUESTS_PER_HOUR[c.var.user.plan],
    period: '1h',
    key: (c) => c.var.user.id,
    skip: (c: Context<Env>) => c.var.user.plan === 'internal',
  })
