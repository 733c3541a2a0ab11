/** A process that fills keys from an origin when a test tells it to. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache, type Expiration } from 'pgstash'

export interface Order {
  readonly keys: readonly string[]
  readonly lease?: Expiration
}

const { DATABASE_URL = '', ENDPOINT = '', ORIGIN = '' } = process.env
neonConfig.fetchEndpoint = () => ENDPOINT
const cache = createCache(drizzle(neon(DATABASE_URL)), { timeout: 60_000 })

process.on('message', async ({ keys, lease }: Order) => {
  const load = async (key: string) => (await fetch(`${ORIGIN}/${encodeURIComponent(key)}`)).text()
  const values = keys.map(async (key) => [key, await cache.getOrSet(key, () => load(key), { lease })] as const)
  process.send?.(Object.fromEntries(await Promise.all(values)))
})
