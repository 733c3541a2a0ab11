// app/api/report/route.ts
import { after } from 'next/server'
import { withResponseCache } from 'pgstash/fetch'
import { cache } from '@/lib/cache'
import { handler } from '@/lib/handler'

const cached = withResponseCache(handler, { cache, waitUntil: (work) => after(() => work) })

export { cached as GET, cached as PUT }
