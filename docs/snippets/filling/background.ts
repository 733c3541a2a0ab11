import { env, waitUntil } from 'cloudflare:workers'
import { createCache } from 'pgstash'

/** All requests of an isolate share this cache. A refresh goes on after the response of the request that began it. */
export const cache = createCache.fromEnv(env, { waitUntil, onError: 'miss', timeout: 1_000 })
