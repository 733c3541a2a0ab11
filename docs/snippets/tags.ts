import type { Cache } from 'pgstash'

interface Product {
  id: string
  name: string
}

/** Returns the cached product, or reads and stores it. A product that changes during the read is not stored. */
export function product(cache: Cache, id: string, read: () => Promise<Product>): Promise<Product> {
  return cache.getOrSet(`product:${id}`, read, { expiration: '1h', tags: ['products', `product:${id}`] })
}

/** Call this after the change has committed. No reader gets the old product from then on. */
export function productChanged(cache: Cache, id: string): Promise<void> {
  return cache.invalidate(`product:${id}`)
}
