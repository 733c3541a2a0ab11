/** A cache of another package with only the methods of the interface, as a tier, as a node, and below functions. */
import { type Cache, cached, memoryCache, shardedCache, tieredCache } from 'pgstash'
import { cacheContract, type StoreUnderTest } from 'pgstash/testing'
import { describe, expect, it } from 'vitest'
import { memoryStore } from './memory-store.ts'
import { shardedStore } from './sharded-store.ts'
import { tieredStore } from './tiered-store.ts'
import { thirdParty } from './under.ts'

/** Rules that an adapter cannot keep through the methods of `Cache`, as docs/guides/stores.md explains. */
const LIMITS = [
  // A claim does not return the stale value, and it cannot express `beta`.
  'is served at once to every caller except the one that refreshes it',
  'is served at once to every caller if waitUntil refreshes it in the background',
  "is refreshed under the call's own waitUntil, if it has one",
  'is served if the computation fails, within the stale windows of entry and reader',
  'is absent for other methods, but cleanup keeps it while it may be served',
  'is kept without limit with `stale: null`',
  'refreshes a live entry early only if the random draw selects it',
  // Values pass as JSON.
  'is the form that the codec decodes, if it keeps more than JSON',
]

/** The clock of the contract's stores runs ahead. The adapter computes the rest of a life with the real clock. */
const BY_THE_CLOCK = [
  'extends a deadline to span plus slack once less than the span remains',
  'keeps an entry live while it is read, and expires it afterwards',
  'stays live for at least its span after each read',
  'expires after maxAge, even if it is hit',
]

function contractOf(store: StoreUnderTest, limits: readonly string[]): void {
  const seen = new Set<string>()
  const runner = {
    describe,
    expect,
    it(name: string, run: () => Promise<void>) {
      seen.add(name)
      if (!limits.includes(name)) it(name, run, 600_000)
    },
  }
  cacheContract(runner, store)
  it('all omitted rules exist in the contract', () => {
    expect(limits.filter((name) => !seen.has(name))).toEqual([])
  })
}

const foreign = (store: StoreUnderTest): StoreUnderTest => ({
  ...store,
  create: async (options) => thirdParty(await store.create(options)),
})

describe('a third-party cache as the second tier', () =>
  contractOf(tieredStore(memoryStore(), foreign(memoryStore())), [...LIMITS, ...BY_THE_CLOCK]))

describe('shards over third-party caches', () =>
  contractOf(shardedStore({ a: foreign(memoryStore()), b: foreign(memoryStore()) }), LIMITS))

describe('a third-party cache', () => {
  const wraps = [
    (own: Cache) => shardedCache({ nodes: { own } }),
    (own: Cache) => tieredCache({ l1: memoryCache(), l2: own }),
  ]
  const nodes = (): [Cache, Cache][] =>
    wraps.map((wrap) => {
      const own = memoryCache()
      return [wrap(thirdParty(own)), own]
    })

  it('extends deadlines on sliding reads', async () => {
    for (const [cache, own] of nodes()) {
      await own.set('key', 1, { expiration: '1m' })
      for (let i = 0; i < 2; i++) expect(await cache.get('key', { sliding: '1h' })).toBe(1)
      const expiresAt = (await own.expiration('key'))?.getTime() ?? 0
      expect(Math.abs(expiresAt - Date.now() - 75 * 60_000)).toBeLessThan(5_000)
      await cache.getOrSet('filled', 1, { expiration: '1h', sliding: true })
      const filledUntil = (await own.expiration('filled'))?.getTime() ?? 0
      expect(Math.abs(filledUntil - Date.now() - 75 * 60_000)).toBeLessThan(5_000)
    }
  })

  it('keeps its own default expiration', async () => {
    for (const wrap of wraps) {
      const own = memoryCache({ expiration: '1m' })
      const cache = wrap(thirdParty(own))
      await cache.set('set', 1)
      await cache.getOrSet('filled', 1)
      await cache.increment('counted')
      for (const key of ['set', 'filled', 'counted']) {
        const expiresAt = (await own.expiration(key))?.getTime() ?? 0
        expect(Math.abs(expiresAt - Date.now() - 60_000)).toBeLessThan(5_000)
      }
    }
  })

  it('is used in its own namespaces and versions', async () => {
    for (const [cache, own] of nodes()) {
      const place = (on: Cache) => on.namespace('a|b').namespace('app', { version: 2 })
      await place(cache).setMany({ 'k|1': 1, 'k\\2': 2 })
      expect([...(await place(own).getMany(['k|1', 'k\\2']))]).toEqual([
        ['k|1', 1],
        ['k\\2', 2],
      ])
      await own.set('outside', 1)
      expect(await cache.namespace('a|b').clear()).toBe(2)
      expect(await own.count()).toBe(1)
    }
  })

  it('computes once for all callers, and once more after a failed computation', async () => {
    for (const [cache, own] of nodes()) {
      let computed = 0
      const compute = async () => {
        computed++
        await new Promise((resolve) => setTimeout(resolve, 10))
        return { computed }
      }
      const values = await Promise.all(Array.from({ length: 20 }, () => cache.getOrSet('key', compute)))
      expect(values).toEqual(Array(20).fill({ computed: 1 }))
      expect(await own.get('key')).toEqual({ computed: 1 })
      await expect(cache.getOrSet('failing', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
      expect(await cache.getOrSet('failing', 'works')).toBe('works')
    }
  })

  it('does not store a value that a write overtook, or a skipped one', async () => {
    for (const [cache, own] of nodes()) {
      const value = await cache.getOrSet('key', async () => {
        await own.set('key', 'written meanwhile')
        return 'computed'
      })
      expect([value, await own.get('key')]).toEqual(['computed', 'written meanwhile'])
      await cache.getOrSet('skipped', ({ skip }) => {
        skip()
        return 1
      })
      expect(await own.has('skipped')).toBe(false)
    }
  })

  it('takes a snapshot with a fill, and is refreshed as of a time before the computation', async () => {
    for (const [cache, own] of nodes()) {
      const asOf = await cache.snapshot()
      await own.invalidate('tag')
      expect(await cache.getOrSet('key', 'old data', { tags: ['tag'], asOf })).toBe('old data')
      expect(await own.has('key')).toBe(false)
      const load = cached(async (id: number) => ({ id }), { cache, key: 'load', tags: ['load'] })
      expect(await load.refresh(1)).toEqual({ id: 1 })
      expect(await own.get(load.key(1))).toEqual({ id: 1 })
    }
  })
})
