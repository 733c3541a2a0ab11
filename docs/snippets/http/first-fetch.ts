import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'

const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''))

const time = (_request: Request) =>
  Response.json({ madeAt: new Date() }, { headers: { 'cache-control': 'max-age=60' } })

export default { fetch: withResponseCache(time, { cache }) }
