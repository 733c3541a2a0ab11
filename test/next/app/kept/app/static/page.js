import { cacheLife, cacheTag } from 'next/cache'
import { compute } from '@/lib/origin'

async function report() {
  'use cache'
  cacheLife('hours')
  cacheTag('static')
  return compute('static')
}

export default async function Page() {
  return <p>{await report()}</p>
}
