import { connection } from 'next/server'
import { memoryCache } from 'pgstash'
import { Suspense } from 'react'

const near = memoryCache()

async function Views() {
  await connection()
  return <p>view {await near.increment('views')} of this process</p>
}

export default function Page() {
  return (
    <Suspense fallback="waiting">
      <Views />
    </Suspense>
  )
}
