import { cacheTag } from 'next/cache'
import { cache } from '../../lib/cache.js'

async function report() {
  'use cache'
  cacheTag('cached')
  return cache.getOrSet('cached', () => `computed at ${Date.now()}, ${crypto.randomUUID()}`)
}

export default async function Page() {
  return <p>{await report()}</p>
}
