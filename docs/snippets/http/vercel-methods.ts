// api/report.ts
import { waitUntil } from '@vercel/functions'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { handler } from './handler.ts'

const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''))
const cached = withResponseCache(handler, { cache, waitUntil })

// Export the methods that write as well: each one that succeeds removes the stored response of its URL.
export { cached as GET, cached as HEAD, cached as PUT }
