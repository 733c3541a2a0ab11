import { unstable_cacheTag as cacheTag } from 'next/cache'
import { compute } from '@/lib/origin'

export const dynamic = 'force-dynamic'

async function report() {
  'use cache'
  cacheTag('dynamic')
  return compute('dynamic')
}

export default async function Page() {
  return <p>{await report()}</p>
}
