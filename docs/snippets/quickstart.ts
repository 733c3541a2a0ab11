import { type Cache, createCache } from 'pgstash'

let cache: Cache | undefined // one per isolate

export default {
  async fetch(_request: Request, env: { DATABASE_URL: string }) {
    cache ??= createCache(env.DATABASE_URL, { expiration: '10m' })
    return new Response(await cache.getOrSet('report', () => `Computed at ${new Date().toISOString()}`))
  },
}
