// app/api/report/route.ts
import { connection } from 'next/server'
import { cache } from '@/lib/cache'

export async function GET(): Promise<Response> {
  await connection()
  return Response.json(await cache.getOrSet('api report', async () => ({ madeAt: new Date().toISOString() })))
}
