// netlify/functions/report.mts
import { createCache } from 'pgstash'

const cache = createCache.fromEnv(process.env, { expiration: '10m' })

export default async () => new Response(await cache.getOrSet('report', () => `Computed at ${new Date().toISOString()}`))
