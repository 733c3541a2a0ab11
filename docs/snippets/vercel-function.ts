// api/report.ts; in Next.js app/api/report/route.ts, with `export const runtime = 'edge'` in place of config
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'

export const config = { runtime: 'edge' }

const cache = createCache(drizzle(process.env.DATABASE_URL ?? ''), { namespace: 'reports', expiration: '5m' })

export async function GET(request: Request): Promise<Response> {
  const city = new URL(request.url).searchParams.get('city') ?? 'Paris'
  const stored = await cache.get<{ city: string; madeAt: string }>(city)
  if (stored !== undefined) return Response.json(stored, { headers: { 'x-cache': 'hit' } })
  const report = { city, madeAt: new Date().toISOString() }
  await cache.set(city, report)
  return Response.json(report, { headers: { 'x-cache': 'miss' } })
}
