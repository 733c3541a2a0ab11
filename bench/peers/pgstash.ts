/** pgstash itself, in any version. */
import type { Cache } from 'pgstash'
import type { Checkout } from '../harness/checkout.ts'
import type { Peer, Provider } from '../harness/provider.ts'
import { TTL_SECONDS } from '../harness/provider.ts'

const MEMORY_ENTRIES = 10_000
const expiration = TTL_SECONDS

export function providerOf(cache: Cache, close?: () => Promise<unknown>): Provider {
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value, { expiration }),
    getMany: (keys) => cache.getMany(keys),
    setMany: (entries) => cache.setMany(entries, { expiration }),
    touch: (key) => cache.touch(key, expiration),
    increment: (key) => cache.increment(key, 1, { expiration }),
    setTagged: (key, value, tags) => cache.set(key, value, { expiration, tags }),
    invalidate: (tag) => cache.invalidate(tag),
    getOrSet: (key, compute) => cache.getOrSet(key, compute, { expiration }),
    ...(close && { close }),
  }
}

export function peerOf(checkout: Checkout): Peer {
  return {
    name: checkout.label,
    transports: ['tcp', 'http', 'memory', 'tiered'],
    packages: ['drizzle-orm'],
    async prepare(bench, { transport, roundTripMs }) {
      const memory = () => checkout.core.memoryCache({ maxEntries: MEMORY_ENTRIES })
      if (transport === 'memory') return async () => providerOf(memory())
      const database = await bench.createDatabase()
      await checkout.migrate(checkout.overPool(bench.createPool(database, { max: 1 })))
      if (transport === 'http') {
        const connection = await bench.neon(database, roundTripMs)
        return async () => providerOf(checkout.cache(checkout.overNeon(connection)))
      }
      const url = await bench.delayed(database, roundTripMs)
      return async () => {
        const pool = bench.createPool(url)
        const cache = checkout.cache(checkout.overPool(pool))
        const close = () => pool.end()
        if (transport === 'tcp') return providerOf(cache, close)
        return providerOf(checkout.core.tieredCache({ l1: memory(), l2: cache, l1Expiration: TTL_SECONDS }), close)
      }
    },
  }
}
