// api/report.ts; in Next.js app/api/report/route.ts, with `export const runtime = 'edge'` in place of config
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'

export const config = { runtime: 'edge' }

const cache = createCache(drizzle(process.env.DATABASE_URL ?? ''), { namespace: 'reports', expiration: '5m' })

export async function GET(request: Request): Promise<Response> {
  const city = new URL(request.url).searchParams.get('city') ?? 'Paris'
  return Response.json(await cache.getOrSet(city, () => ({ city, madeAt: new Date().toISOString() })))
}
