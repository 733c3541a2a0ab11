import type { Cache } from 'pgstash'

interface Product {
  id: string
  name: string
}

/** Answers from the cache, or reads the product and keeps it, unless it changes while it is being read. */
export function product(cache: Cache, id: string, read: () => Promise<Product>): Promise<Product> {
  return cache.getOrSet(`product:${id}`, read, { expiration: '1h', tags: ['products', `product:${id}`] })
}

/** To be called after the change was committed; no reader gets the old product from then on. */
export function productChanged(cache: Cache, id: string): Promise<void> {
  return cache.invalidate(`product:${id}`)
}
