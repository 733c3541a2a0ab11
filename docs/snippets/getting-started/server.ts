// server.js
import { createServer } from 'node:http'
import { createCache } from 'pgstash'

// All requests of the process share one cache. While the database is unreachable, reports are computed.
const cache = createCache.fromEnv(process.env, { expiration: '10m', onError: 'miss' })

export const server = createServer(async (_request, response) => {
  const report = await cache.getOrSet('report', () => `Computed at ${new Date().toISOString()}`)
  response.end(`${report}\n`)
})
server.listen(process.env.PORT ?? 3000)

// Once an hour, delete the rows of expired entries.
setInterval(() => cache.clearExpired().catch(console.error), 3_600_000).unref()
