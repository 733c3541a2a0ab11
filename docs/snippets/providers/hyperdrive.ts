import { Client } from 'pg'
import { createCache } from 'pgstash'

interface Env {
  HYPERDRIVE: { connectionString: string }
}

export default {
  async fetch(_request: Request, env: Env) {
    // Client and cache belong to this request: on Workers, no other request may use its connection.
    const client = new Client({ connectionString: env.HYPERDRIVE.connectionString })
    await client.connect()
    const cache = createCache(client, { expiration: '10m' })
    return new Response(await cache.getOrSet('report', () => `Computed at ${new Date().toISOString()}`))
  },
}
