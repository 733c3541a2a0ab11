/** Faults that users reported in other caches with adapters, tiers or shards. Each became a rule for this package. */
import { type Cache, cacheOver, memoryCache, type Store, shardedCache, tieredCache } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { createStorage } from '../../src/stores/memory/storage.ts'
import { createSite, pause, type Site, times } from '../fill/clients.ts'
import { advance, emptyTables } from '../setup/postgres-store.ts'

const memory = (): Store => memoryStore(createStorage({ maxEntries: 1_000, maxBytes: 1_000_000, now: undefined }))

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(async () => {
  site.faults.heal()
  await emptyTables(site.db)
})

describe('two caches over one store', () => {
  it('list and clear only their own namespace', async () => {
    const store = memory()
    const [a, b] = [cacheOver(store, { namespace: 'a' }), cacheOver(store, { namespace: 'b' })]
    await a.setMany({ x: 1, y: 2 })
    await b.setMany({ x: 'one', z: 'three' })
    const keys = async (cache: Cache) => (await cache.list()).entries.map(({ key }) => key)
    expect([await keys(a), await keys(b)]).toEqual([
      ['x', 'y'],
      ['x', 'z'],
    ])
    expect(await a.clear()).toBe(2)
    expect([await a.count(), await b.count()]).toEqual([0, 2])
  })

  it('pass keys with their namespace to the store, one or many', async () => {
    const seen: string[] = []
    const own = memory()
    const store: Store = {
      ...own,
      write(items, input) {
        seen.push(...items.map(({ key }) => key))
        return own.write(items, input)
      },
    }
    const cache = cacheOver(store, { namespace: 'ns' })
    await cache.set('a', 1)
    await cache.setMany({ b: 2, c: 3 })
    expect(seen).toEqual(['ns|a', 'ns|b', 'ns|c'])
  })

  it('do not change the store', async () => {
    const store = Object.freeze(memory())
    const caches = [cacheOver(store), cacheOver(store, { namespace: 'n', onError: 'miss', expiration: '1m' })]
    for (const cache of caches) await cache.set('key', 1)
    expect(Object.keys(store)).toEqual(Object.keys(memory()))
  })
})

describe('an expiration has the same meaning in every tier and node', () => {
  const caches = (): [string, Cache][] => [
    ['memory', memoryCache()],
    ['tiers', tieredCache({ l1: memoryCache(), l2: memoryCache() })],
    ['shards', shardedCache({ nodes: { a: memoryCache(), b: memoryCache() } })],
    ['tiers over Postgres', tieredCache({ l1: memoryCache(), l2: site.client() })],
  ]

  it('0 expires at once, and null never', async () => {
    for (const [name, cache] of caches()) {
      await cache.set('gone', 1, { expiration: 0 })
      await cache.set('kept', 1, { expiration: null })
      let computed = 0
      for (let i = 0; i < 2; i++) await cache.getOrSet('zero', () => ++computed, { expiration: 0 })
      expect([name, await cache.get('gone'), await cache.get('kept'), computed]).toEqual([name, undefined, 1, 2])
    }
  })

  it('a computation that returns undefined rejects for its callers, and no waiter hangs', async () => {
    for (const [, cache] of caches()) {
      const calls = times(3, () => cache.getOrSet('empty', () => undefined as never))
      for (const call of await Promise.allSettled(calls)) expect(call.status).toBe('rejected')
      expect(await cache.getOrSet('empty', 'value')).toBe('value')
    }
  })
})

describe('a refresh', () => {
  it('reaches every tier', async () => {
    const l2 = site.client({ waitUntil: undefined })
    const cache = tieredCache({ l1: memoryCache(), l2, l1Expiration: '1h' })
    await cache.getOrSet('key', 'old', { expiration: '1m', stale: '1h' })
    await advance(site.db, 120_000)
    await cache.clearExpired()
    const fresh = tieredCache({ l1: memoryCache(), l2 })
    expect(await fresh.getOrSet('key', 'new', { expiration: '1m', stale: '1h' })).toBe('new')
    site.faults.reset()
    expect([await fresh.get('key'), site.faults.requests]).toEqual(['new', 0])
    expect(await l2.get('key')).toBe('new')
  })

  it('that fails repeatedly serves the stale value only within its window', async () => {
    const cache = tieredCache({ l1: memoryCache(), l2: site.client() })
    const failing = () => Promise.reject(new Error('down'))
    await cache.getOrSet('key', 'old', { expiration: '1s', stale: '1m' })
    const fresh = () => tieredCache({ l1: memoryCache(), l2: site.client() })
    await advance(site.db, 30_000)
    for (let i = 0; i < 3; i++) expect(await fresh().getOrSet('key', failing, { stale: '1m' })).toBe('old')
    await advance(site.db, 40_000)
    await expect(fresh().getOrSet('key', failing, { stale: '1m' })).rejects.toThrow('down')
  })

  it('never revives a stale value that was cleared or invalidated', async () => {
    for (const remove of [
      (on: Cache) => on.clear(),
      (on: Cache) => on.invalidate('tag'),
      (on: Cache) => on.delete('key'),
    ]) {
      const cache = tieredCache({ l1: memoryCache(), l2: site.client() })
      await cache.getOrSet('key', 'old', { expiration: '1s', stale: '1h', tags: ['tag'] })
      await advance(site.db, 10_000)
      await remove(cache)
      const failing = () => Promise.reject(new Error('down'))
      const fresh = tieredCache({ l1: memoryCache(), l2: site.client() })
      await expect(fresh.getOrSet('key', failing, { stale: '1h' })).rejects.toThrow('down')
    }
  })
})

describe('a second tier or a node that hangs', () => {
  it('delays a call by its timeout at most, and a copy in the first tier not at all', async () => {
    const l1 = memoryCache()
    const patient = tieredCache({ l1, l2: site.client(), l1Expiration: '1h' })
    await patient.set('kept', 1)
    const cache = tieredCache({ l1, l2: site.client({ timeout: 300 }), l1Expiration: '1h' })
    site.faults.always({ kind: 'hang' })
    site.faults.reset()
    expect(await cache.get('kept')).toBe(1)
    expect(site.faults.requests).toBe(0)
    const startedAt = performance.now()
    await expect(cache.get('other')).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(performance.now() - startedAt).toBeLessThan(30_000)
  })

  it('opens its own circuit, while the other nodes keep working', async () => {
    // Time stands still for the circuit. Otherwise a slow test could outlast its pause of one second.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    onTestFinished(() => void clock.mockRestore())
    const away = site.client()
    const cache = shardedCache({ nodes: { away, here: memoryCache() }, onError: 'miss' })
    const keys = times(40, (i) => `key ${i}`)
    const lost = keys.filter((key) => cache.getNode(key) === 'away')
    site.faults.always({ kind: 'reset' })
    for (const key of lost.slice(0, 6)) await cache.get(key)
    site.faults.reset()
    for (const key of keys) await cache.getOrSet(key, 1)
    expect(site.faults.requests).toBe(0)
    expect((await cache.getMany(keys)).size).toBe(keys.length - lost.length)
  })
})

it('a write of another process is visible after the next read of changes, or when the copy expires', async () => {
  const [one, other] = [1, 2].map(() =>
    tieredCache({ l1: memoryCache(), l2: site.client(), l1Expiration: '200ms' }),
  ) as [Cache, Cache]
  await one.set('key', 'old')
  await other.set('key', 'new')
  await pause(300)
  expect(await one.get('key')).toBe('new')
})
