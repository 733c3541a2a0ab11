import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { handler } from './handler.ts'

const cache = createCache.fromEnv(process.env)

/** The process outlives its responses, so nothing has to keep this work alive. It must not reject. */
const waitUntil = (work: Promise<unknown>) => void work.catch(console.error)

// Bun listens on the port in the variable PORT, or on 3000.
Bun.serve({ fetch: withResponseCache(handler, { cache, waitUntil }) })
