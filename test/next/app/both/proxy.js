import { NextResponse } from 'next/server'
import { cache } from './lib/cache.js'

export async function proxy() {
  const { count } = await cache.limit('proxy', { limit: 100, period: '1h' })
  return NextResponse.next({ headers: { 'x-count': String(count) } })
}

export const config = { matcher: '/api/:path*' }
