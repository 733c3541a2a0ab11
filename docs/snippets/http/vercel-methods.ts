// api/report.ts
import { waitUntil } from '@vercel/functions'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { handler } from './handler.ts'

const cache = createCache.fromEnv(process.env)
const cached = withResponseCache(handler, { cache, waitUntil })

// Export the methods that write as well: each one that succeeds removes the stored response of its URL.
export { cached as GET, cached as HEAD, cached as PUT }
