import { cacheLife, cacheTag } from 'next/cache'
import { connection } from 'next/server'
import { Suspense } from 'react'
import { compute } from '@/lib/origin'

async function report() {
  'use cache: remote'
  cacheLife('moment')
  cacheTag('remote')
  return compute('remote')
}

async function Report() {
  await connection()
  return <p>{await report()}</p>
}

export default function Page() {
  return (
    <Suspense fallback="waiting">
      <Report />
    </Suspense>
  )
}
