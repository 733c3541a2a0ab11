import { cacheLife } from 'next/cache'
import { connection } from 'next/server'
import { Suspense } from 'react'
import { compute } from '@/lib/origin'

async function item(id) {
  'use cache'
  cacheLife('max')
  return compute(`item ${id}`)
}

async function Item({ params }) {
  await connection()
  return <p>{await item((await params).id)}</p>
}

export default function Page({ params }) {
  return (
    <Suspense fallback="waiting">
      <Item params={params} />
    </Suspense>
  )
}
