import { drizzle } from 'drizzle-orm/node-postgres'
import { Client } from 'pg'
import { createCache } from 'pgstash'

interface Env {
  HYPERDRIVE: { connectionString: string }
}

interface Context {
  waitUntil(work: Promise<unknown>): void
}

export default {
  async fetch(request: Request, env: Env, context: Context) {
    // All three belong to this request. Workers closes the connection when the request and its background work are done.
    const client = new Client({ connectionString: env.HYPERDRIVE.connectionString })
    await client.connect()
    const cache = createCache(drizzle({ client }), { waitUntil: (work) => context.waitUntil(work) })

    const { pathname } = new URL(request.url)
    const body = await cache.getOrSet(pathname, () => `Computed at ${new Date().toISOString()}`, { expiration: '10m' })
    return new Response(body)
  },
}
