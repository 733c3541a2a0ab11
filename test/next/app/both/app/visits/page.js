import { connection } from 'next/server'
import { Suspense } from 'react'
import { cache } from '@/lib/cache'
import { visit } from './actions'

async function Visits() {
  await connection()
  return (
    <form action={visit}>
      <p>visits: {(await cache.get('visits')) ?? 0}</p>
      <button type="submit">Visit</button>
    </form>
  )
}

export default function Page() {
  return (
    <Suspense fallback="waiting">
      <Visits />
    </Suspense>
  )
}
