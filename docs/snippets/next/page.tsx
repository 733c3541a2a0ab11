// app/report/page.tsx
import { connection } from 'next/server'
import { Suspense } from 'react'
import { cache } from '@/lib/cache'

async function Report() {
  await connection() // The code below waits for a request, so the build needs no database.
  const report = await cache.getOrSet('report', async () => ({ madeAt: new Date().toISOString() }))
  return <p>Made at {report.madeAt}</p>
}

export default function Page() {
  return (
    <Suspense fallback={<p>Loading…</p>}>
      <Report />
    </Suspense>
  )
}
