import { cookies } from 'next/headers'
import { Suspense } from 'react'
import { cache } from '@/lib/known'

async function Cart() {
  const user = (await cookies()).get('user')?.value ?? 'nobody'
  return <p>{await cache.getOrSet(`cart:${user}`, () => `cart of ${user}, ${crypto.randomUUID()}`)}</p>
}

export default function Page() {
  return (
    <Suspense fallback="waiting">
      <Cart />
    </Suspense>
  )
}
