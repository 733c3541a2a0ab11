// app/api/search/route.ts
import { addressKey, rateLimit } from 'pgstash/fetch'
import { cache } from '@/lib/cache'

const search = (request: Request) => Response.json({ query: new URL(request.url).searchParams.get('q') })

export const GET = rateLimit(search, {
  cache,
  name: 'search',
  algorithm: 'sliding-window',
  limit: 30,
  period: '1m',
  key: (request) => addressKey(request.headers.get('x-real-ip')),
})
