// api/index.ts
import { waitUntil } from '@vercel/functions'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { handler } from './handler.ts'

const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''))

export default { fetch: withResponseCache(handler, { cache, waitUntil }) }
