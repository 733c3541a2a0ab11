import { type Cache, createCache } from 'pgstash'
import { neonOverFetch } from './neon-fetch.ts'

interface Env {
  DATABASE_URL: string
}

let cache: Cache | undefined
const cacheOf = (env: Env) =>
  (cache ??= createCache(() => neonOverFetch(env.DATABASE_URL), { preparedNames: false, expiration: '10m' }))

export default {
  async fetch(request: Request, env: Env) {
    const { pathname } = new URL(request.url)
    const body = await cacheOf(env).getOrSet(pathname, () => `Computed at ${new Date().toISOString()}`)
    return new Response(body)
  },
}
