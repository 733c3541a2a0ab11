import { type Cache, createCache } from 'pgstash'

interface Env {
  DATABASE_URL: string
}

let cache: Cache | undefined

export default {
  async fetch(request: Request, env: Env) {
    cache ??= createCache(env.DATABASE_URL, { expiration: '10m' })
    const { pathname } = new URL(request.url)
    return new Response(await cache.getOrSet(pathname, () => `Computed at ${new Date().toISOString()}`))
  },
}
