import { createCache, type Database, withMetrics } from 'pgstash'

export function shop(db: Database) {
  const cache = withMetrics(createCache(db, { namespace: 'shop' }))
  return {
    product: (id: string) => cache.getOrSet(`product:${id}`, () => ({ id, price: 42 }), { expiration: '10m' }),
    // { hits: 3, misses: 1, rate: 0.75, errors: 0 }
    health: () => Response.json(cache.metrics()),
  }
}
