/**
 * Caches composed of caches: which settings apply, which listener gets events, and whether a dropped write leaves a
 * copy.
 */
import {
  type Cache,
  type CacheEvent,
  type Codec,
  createCache,
  memoryCache,
  nullCache,
  shardedCache,
  tieredCache,
  withMetrics,
} from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, type Site, times } from '../fill/clients.ts'
import { emptyTables } from '../setup/postgres-store.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(async () => {
  site.faults.heal()
  await emptyTables(site.db)
})

/** A listener, and a record of the type, count and round trips of each event. */
function listener() {
  const events: CacheEvent[] = []
  return { events, onEvent: (event: CacheEvent) => void events.push(event) }
}
const summary = (events: readonly CacheEvent[]) =>
  events.map((event) => [event.type, 'count' in event ? event.count : 0, event.roundTrips])

/** A codec that marks its texts with a letter and with the key that it received. */
const marking = (letter: string): Codec => ({
  encode: (value, { key }) => `${letter}${key}=${JSON.stringify(value)}`,
  decode(text, { key }) {
    const mark = `${letter}${key}=`
    if (!text.startsWith(mark)) throw new Error('another codec or key')
    return JSON.parse(text.slice(mark.length))
  },
})

describe('a sharded cache', () => {
  const keys = times(20, (i) => `key ${i}`)

  it('uses the codec of each key’s node, with the key as that node stores it', async () => {
    const nodes = {
      a: memoryCache({ codec: marking('a') }),
      b: memoryCache({ codec: marking('b'), namespace: 'own' }),
    }
    const cache = shardedCache({ nodes })
    for (const key of keys) await cache.set(key, { key })
    for (const key of keys) {
      expect(await cache.get(key)).toEqual({ key })
      expect(await nodes[cache.getNode(key)].get(key)).toEqual({ key })
    }
    expect(new Set(keys.map((key) => cache.getNode(key))).size).toBe(2)
  })

  it('keeps the default expiration of each node', async () => {
    const nodes = {
      minute: memoryCache({ expiration: '1m' }),
      hour: memoryCache({ expiration: '1h' }),
      never: memoryCache(),
    }
    const cache = shardedCache({ nodes })
    const expected = { minute: 60_000, hour: 3_600_000, never: Number.POSITIVE_INFINITY }
    const writes: ((key: string) => Promise<unknown>)[] = [
      (key) => cache.set(key, 1),
      (key) => cache.setMany({ [key]: 1 }),
      (key) => cache.add(key, 1),
      (key) => cache.increment(key),
      (key) => cache.getOrSet(key, 1),
      async (key) => [await cache.set(key, 1, { expiration: '1d' }), await cache.touch(key)],
    ]
    for (const [i, write] of writes.entries()) {
      for (const key of keys.map((name) => `${name} ${i}`)) {
        await write(key)
        const expiresAt = await cache.expiration(key)
        const remaining = expiresAt === null ? Number.POSITIVE_INFINITY : (expiresAt?.getTime() ?? 0) - Date.now()
        const own = expected[cache.getNode(key)]
        expect([i, key, remaining === own || Math.abs(remaining - own) < 5_000]).toEqual([i, key, true])
      }
    }
    expect(new Set(keys.map((key) => cache.getNode(`${key} 0`))).size).toBe(3)
  })

  it('reports a batch once to a listener that all nodes share', async () => {
    const { events, onEvent } = listener()
    const cache = shardedCache({ nodes: { a: site.client({ onEvent }), b: memoryCache({ onEvent }) } })
    await cache.setMany(keys.map((key) => [key, 1]))
    await cache.getMany([...keys, 'missing'])
    await cache.get('key 1')
    expect(summary(events).map(([type, count]) => [type, count])).toEqual([
      ['write', 20],
      ['hit', 20],
      ['miss', 1],
      ['hit', 1],
    ])
  })

  it('reports a key to the listener of its node', async () => {
    const heard = { a: listener(), b: listener() }
    const [a, b] = [heard.a, heard.b].map(({ onEvent }) => memoryCache({ onEvent })) as [Cache, Cache]
    const cache = shardedCache({ nodes: { a, b } })
    for (const key of keys) await cache.namespace('n').getOrSet(key, 1)
    const counts = cache.namespace('n').distribution(keys)
    for (const name of ['a', 'b'] as const) {
      expect(heard[name].events.filter(({ type }) => type === 'miss').length).toBe(counts[name])
      expect(heard[name].events.filter(({ type }) => type === 'fill').length).toBe(counts[name])
    }
  })

  it('keeps the onError of each node, and reports the failure', async () => {
    const { events, onEvent } = listener()
    const cache = shardedCache({ nodes: { away: site.client({ onError: 'miss', onEvent }) } })
    site.faults.always({ kind: 'reset' })
    await cache.set('key', 1)
    expect([await cache.get('key'), await cache.has('key'), await cache.getOrSet('key', 2)]).toEqual([
      undefined,
      false,
      2,
    ])
    expect((await cache.getMany(['key'])).size).toBe(0)
    await expect(cache.delete('key')).rejects.toMatchObject({ code: 'DATABASE' })
    expect(events.filter(({ type }) => type === 'error').length).toBe(6)
  })

  it('treats single keys like batches with onError miss', async () => {
    const cache = shardedCache({ nodes: { away: site.client() }, onError: 'miss' })
    site.faults.always({ kind: 'reset' })
    await cache.set('key', 1)
    expect([await cache.get('key'), await cache.getOrSet('key', 2)]).toEqual([undefined, 2])
    await expect(cache.increment('key')).rejects.toMatchObject({ code: 'DATABASE' })
  })
})

describe('a tiered cache', () => {
  it('reports hits of the first tier to the listener of the second, without a round trip', async () => {
    const { events, onEvent } = listener()
    const cache = tieredCache({ l1: memoryCache(), l2: site.client({ onEvent }) })
    await cache.set('key', 1)
    await cache.get('key')
    await cache.get('missing')
    expect(summary(events)).toEqual([
      ['write', 1, 1],
      ['hit', 1, 0],
      ['miss', 1, 1],
    ])
  })

  it('keeps values as the second tier encodes them', async () => {
    const cache = tieredCache({ l1: memoryCache(), l2: memoryCache({ codec: marking('x'), namespace: 'own' }) })
    await cache.set('key', { n: 1 })
    expect(await cache.get('key')).toEqual({ n: 1 })
  })

  it('keeps no copy of a write that the second tier dropped', async () => {
    const l2 = site.client({ onError: 'miss' })
    const cache = tieredCache({ l1: memoryCache(), l2 })
    await cache.set('key', 'old')
    site.faults.always({ kind: 'reset' })
    await cache.set('key', 'new')
    site.faults.heal()
    expect(await cache.get('key')).toBe(await l2.get('key'))
  })

  it.each<[string, Cache]>([
    ['nullCache()', nullCache()],
    ['a second tier without room', memoryCache({ maxBytes: 10 })],
  ])('keeps no copy of a value that %s did not store', async (_name, l2) => {
    const cache = tieredCache({ l1: memoryCache(), l2 })
    await cache.set('key', 'a value of some length')
    await cache.setMany({ more: 'another value of some length' })
    expect([await cache.get('key'), await cache.get('more')]).toEqual([undefined, undefined])
  })

  it('clears a namespace in the first tier as in the second', async () => {
    const cache = tieredCache({ l1: memoryCache(), l2: site.client() })
    await cache.namespace('a').set('key', 1)
    await cache.namespace('b').set('key', 2)
    expect(await cache.namespace('a').clear()).toBe(1)
    site.faults.reset()
    expect(await cache.namespace('b').get('key')).toBe(2)
    expect(site.faults.requests).toBe(0)
    expect(await cache.namespace('a').get('key')).toBe(undefined)
  })

  it('keeps a live copy if a failing refresh could not replace it', async () => {
    const cache = tieredCache({ l1: memoryCache(), l2: site.client() })
    await cache.getOrSet('key', 'old', { expiration: '1h' })
    await expect(cache.getOrSet('other', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await cache.getOrSet('other', 'works')).toBe('works')
    expect(await cache.get('key')).toBe('old')
  })
})

describe('metrics below a tier or a shard', () => {
  it.each<[string, (own: Cache) => Cache]>([
    ['tieredCache', (l2) => tieredCache({ l1: memoryCache(), l2 })],
    ['shardedCache', (node) => shardedCache({ nodes: { node } })],
  ])('count the calls that reached them: %s', async (_name, wrap) => {
    const own = withMetrics(site.client())
    const cache = wrap(own)
    await own.set('key', 1)
    await cache.get('key')
    await cache.get('missing')
    await cache.getMany(['absent', 'gone'])
    await cache.getOrSet('computed', 1)
    expect(own.metrics()).toMatchObject({ hits: 1, misses: 4, errors: 0 })
    site.faults.always({ kind: 'reset' })
    await expect(cache.get('another')).rejects.toMatchObject({ code: 'DATABASE' })
    expect(own.metrics()).toMatchObject({ errors: 1 })
  })
})

it('a cache made by spreading another keeps its engine', async () => {
  const own = createCache(site.db)
  const cache = tieredCache({ l1: memoryCache(), l2: { ...own } })
  await cache.set('key', 1)
  expect(await own.get('key')).toBe(1)
})
