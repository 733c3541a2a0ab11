// app/cached/page.tsx, with cacheComponents
import { cacheLife, cacheTag } from 'next/cache'
import { cache } from '@/lib/cache'

async function report() {
  'use cache'
  cacheLife('hours')
  cacheTag('report')
  return cache.getOrSet('cached report', async () => ({ madeAt: new Date().toISOString() }))
}

export default async function Page() {
  return <p>Made at {(await report()).madeAt}</p>
}
