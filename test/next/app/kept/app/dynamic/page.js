import { cacheLife, cacheTag, updateTag } from 'next/cache'
import { connection } from 'next/server'
import { Suspense } from 'react'
import { compute } from '@/lib/origin'

async function report() {
  'use cache'
  cacheLife('hours')
  cacheTag('dynamic')
  return compute('dynamic')
}

async function Report() {
  await connection()
  return <p>{await report()}</p>
}

async function refresh() {
  'use server'
  updateTag('dynamic')
}

export default function Page() {
  return (
    <>
      <form action={refresh}>
        <button type="submit">refresh</button>
      </form>
      <Suspense fallback="waiting">
        <Report />
      </Suspense>
    </>
  )
}
