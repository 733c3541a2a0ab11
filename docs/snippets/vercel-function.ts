// api/report.ts
import { createCache } from 'pgstash'

const cache = createCache.fromEnv(process.env, { namespace: 'reports', expiration: '5m' })

export async function GET(request: Request): Promise<Response> {
  const city = new URL(request.url).searchParams.get('city') ?? 'Paris'
  return Response.json(await cache.getOrSet(city, () => ({ city, madeAt: new Date().toISOString() })))
}
