import { memoryCache } from 'pgstash'
import { Suspense } from 'react'

const near = memoryCache()

async function Report() {
  return <p>{await near.getOrSet('key', () => 'computed')}</p>
}

export default function Page() {
  return (
    <Suspense fallback="waiting">
      <Report />
    </Suspense>
  )
}
