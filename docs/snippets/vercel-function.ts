// api/report.ts
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'

const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''), { namespace: 'reports', expiration: '5m' })

export async function GET(request: Request): Promise<Response> {
  const city = new URL(request.url).searchParams.get('city') ?? 'Paris'
  return Response.json(await cache.getOrSet(city, () => ({ city, madeAt: new Date().toISOString() })))
}
