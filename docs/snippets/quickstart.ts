import { env } from 'cloudflare:workers'
import { createCache } from 'pgstash'

const cache = createCache.fromEnv(env, { expiration: '10m' }) // one per isolate

export default {
  fetch: async () => new Response(await cache.getOrSet('report', () => `Computed at ${new Date().toISOString()}`)),
}
