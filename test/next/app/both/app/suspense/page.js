import { Suspense } from 'react'
import { cache } from '@/lib/known'

async function Report() {
  return <p>{await cache.getOrSet('suspense', () => `computed ${crypto.randomUUID()}`)}</p>
}

export default function Page() {
  return (
    <Suspense fallback="waiting">
      <Report />
    </Suspense>
  )
}
