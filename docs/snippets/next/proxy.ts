// proxy.ts
import { type NextRequest, NextResponse } from 'next/server'
import { cache } from '@/lib/cache'

export async function proxy(request: NextRequest): Promise<Response> {
  const address = request.headers.get('x-real-ip') ?? 'unknown'
  const { allowed, remaining } = await cache.limit(`api:${address}`, { limit: 100, period: '1m' })
  if (!allowed) return new Response('Too many requests', { status: 429 })
  return NextResponse.next({ headers: { 'x-remaining': String(remaining) } })
}

export const config = { matcher: '/api/:path*' }
