// main.ts
import { createCache } from 'pgstash'

const cache = createCache.fromEnv(undefined, { expiration: '10m' })

Deno.cron('cleanup', '0 * * * *', async () => console.log(await cache.clearExpired()))

Deno.serve(async () => {
  return new Response(await cache.getOrSet('report', () => `Computed at ${new Date().toISOString()}`))
})
