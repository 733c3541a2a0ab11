import { connection } from 'next/server'
import { Suspense } from 'react'
import { cache } from '../../lib/cache.js'

async function Report() {
  await connection()
  return <p>{await cache.getOrSet('connection', () => `computed at ${Date.now()}, ${crypto.randomUUID()}`)}</p>
}

export default function Page() {
  return (
    <Suspense fallback="waiting">
      <Report />
    </Suspense>
  )
}
