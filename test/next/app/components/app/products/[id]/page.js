import { Suspense } from 'react'
import { cache } from '@/lib/cache'

export async function generateStaticParams() {
  return cache.getOrSet('product ids', () => [{ id: '1' }, { id: '2' }])
}

async function Product({ params }) {
  const { id } = await params
  return (
    <p>
      product {id}: {await cache.getOrSet(`product:${id}`, () => crypto.randomUUID())}
    </p>
  )
}

export default function Page({ params }) {
  return (
    <Suspense fallback="waiting">
      <Product params={params} />
    </Suspense>
  )
}
