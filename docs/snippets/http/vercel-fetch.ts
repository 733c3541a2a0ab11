// api/index.ts
import { waitUntil } from '@vercel/functions'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { handler } from './handler.ts'

const cache = createCache.fromEnv(process.env)

export default { fetch: withResponseCache(handler, { cache, waitUntil }) }
