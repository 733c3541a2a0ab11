import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { handler } from './handler.ts'

const cache = createCache.fromEnv()

/** The process outlives its responses, so nothing has to keep this work alive. It must not reject. */
const waitUntil = (work: Promise<unknown>) => void work.catch(console.error)

Deno.serve({ port: Number(Deno.env.get('PORT') ?? 8000) }, withResponseCache(handler, { cache, waitUntil }))
