import type { Cache } from 'pgstash'

interface Product {
  id: string
  name: string
}

/** Answers from the cache, or reads the product and keeps it. */
export async function product(cache: Cache, id: string, read: () => Promise<Product>): Promise<Product> {
  const stored = await cache.get<Product>(`product:${id}`)
  if (stored !== undefined) return stored
  // Before the data is read: should it change meanwhile, then what is stored below is never answered with.
  const asOf = await cache.snapshot()
  const found = await read()
  await cache.set(`product:${id}`, found, { expiration: '1h', tags: ['products', `product:${id}`], asOf })
  return found
}

/** To be called after the change was committed; no reader gets the old product from then on. */
export function productChanged(cache: Cache, id: string): Promise<void> {
  return cache.invalidate(`product:${id}`)
}
