/** Stores composed of stores: the behaviour of one part while another is busy, fails, or has newer data. */
import {
  type Cache,
  type CacheEvent,
  type ChangeReader,
  type ClaimRequest,
  cached,
  cacheOver,
  DatabaseError,
  memoryCache,
  type Reply,
  type Store,
  shardedCache,
  tieredCache,
  withMetrics,
} from 'pgstash'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory/memory-store.ts'
import { createStorage } from '../../src/stores/memory/storage.ts'
import { overStore, thirdParty } from './under.ts'

const memory = (): Store => memoryStore(createStorage({ maxEntries: 1_000, maxBytes: 1_000_000, now: undefined }))
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A second tier that can hold back answers of its methods after the store has answered. */
function heldCache(options: object = {}) {
  const own = memory()
  let hold: { name: string; until: Promise<void> } | undefined
  const after =
    (name: 'readMany' | 'fill') =>
    async (...args: never[]) => {
      const reply = await (own[name] as (...args: never[]) => Reply<unknown>)(...args)
      if (hold?.name !== name) return reply
      const { until } = hold
      hold = undefined
      await until
      return reply
    }
  const store = { ...own, isLocal: false, position: undefined, readMany: after('readMany'), fill: after('fill') }
  const l2 = cacheOver(store as unknown as Store, options)
  return {
    l2,
    /** Holds back the next answer of a method. Call the result to release it. */
    holdNext(name: 'readMany' | 'fill'): () => void {
      let go = () => {}
      hold = { name, until: new Promise((resolve) => (go = resolve)) }
      return () => go()
    },
  }
}

describe('a fill through two tiers', () => {
  it('keeps no copy of a read that began before it', async () => {
    const { l2, holdNext } = heldCache()
    const tier = tieredCache({ l1: memoryCache(), l2, l1Expiration: '1h' })
    const load = cached(async (_id: number) => 'new', { cache: tier, key: 'load' })
    await l2.set(load.key(1), 'old')
    const go = holdNext('readMany')
    const reading = tier.getMany([load.key(1)])
    await pause(1)
    await load.refresh(1)
    go()
    await reading
    expect(await tier.get(load.key(1))).toBe('new')
  })

  it('leaves the copy of the later fill, if two overlap', async () => {
    const { l2, holdNext } = heldCache()
    const tier = tieredCache({ l1: memoryCache(), l2, l1Expiration: '1h' })
    let value = 'first'
    const load = cached(async (_id: number) => value, { cache: tier, key: 'load' })
    const go = holdNext('fill')
    const first = load.refresh(1)
    await pause(1)
    value = 'second'
    await load.refresh(1)
    go()
    await first
    expect(await tier.get(load.key(1))).toBe(await l2.get(load.key(1)))
  })

  it('leaves no copy if its answer is lost', async () => {
    const own = memory()
    let isLost = false
    const lossy: Store = {
      ...own,
      isLocal: false,
      async fill(request) {
        const reply = await own.fill(request)
        if (isLost) throw new DatabaseError('lost')
        return reply
      },
    }
    const tier = tieredCache({ l1: memoryCache(), l2: cacheOver(lossy), l1Expiration: '1h' })
    let value = 'old'
    const load = cached(async (_id: number) => value, { cache: tier, key: 'load' })
    await load(1)
    isLost = true
    value = 'new'
    await load.refresh(1)
    expect(await tier.get(load.key(1))).toBe('new')
  })

  it('drops the sliding hint of the previous entry', async () => {
    const l2 = memoryCache()
    const tier = tieredCache({ l1: memoryCache(), l2, l1Expiration: '1h' })
    const load = cached(async (_id: number) => 'new', { cache: tier, key: 'load', expiration: '2m' })
    await tier.set(load.key(1), 'old', { expiration: '1000h' })
    await tier.get(load.key(1), { sliding: '10h' })
    await load.refresh(1)
    await tier.get(load.key(1), { sliding: '10h' })
    const expiresAt = (await l2.expiration(load.key(1))) ?? new Date(0)
    expect(expiresAt.getTime() - Date.now()).toBeGreaterThan(9 * 3_600_000)
  })
})

describe('a computation that needs its own key', () => {
  it.each<[string, (own: Cache) => Cache]>([
    ['a tier', (l2) => tieredCache({ l1: memoryCache(), l2 })],
    ['a tier over a tier', (l2) => tieredCache({ l1: memoryCache(), l2: tieredCache({ l1: memoryCache(), l2 }) })],
    ['a shard', (node) => shardedCache({ nodes: { node } })],
    ['a node with a namespace', (node) => shardedCache({ nodes: { node: node.namespace('n') } })],
    ['metrics', withMetrics],
  ])('does not wait for itself through %s and the cache below it', async (_name, wrap) => {
    const own = memoryCache()
    const cache = wrap(own)
    const inner = _name === 'a node with a namespace' ? own.namespace('n') : own
    const startedAt = performance.now()
    expect(await cache.getOrSet('key', () => inner.getOrSet('key', () => 1))).toBe(1)
    expect(await inner.getOrSet('other', () => cache.getOrSet('other', () => 2))).toBe(2)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})

describe('changes', () => {
  it('between overlapping first reads are requested again', async () => {
    const asked: (string | null)[] = []
    const own = memory()
    const gates: (() => void)[] = []
    const store: Store = {
      ...own,
      isLocal: false,
      tellsChanges: true,
      async readMany(keys, options) {
        const reply = await own.readMany(keys, { forCopy: true })
        asked.push(options?.changes?.since() ?? null)
        const number = asked.length
        if (number <= 2) await new Promise<void>((resolve) => gates.push(resolve))
        await options?.changes?.receive({ cursor: `${number}:${number}:`, changed: [], isGap: false })
        return reply
      },
    }
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      asked.length = 0
      gates.length = 0
      const tier = tieredCache({ l1: memoryCache(), l2: cacheOver(store), l1Expiration: '1h', changes: true })
      const reads = [tier.getMany(['a'])]
      await pause(1)
      reads.push(tier.getMany(['b']))
      await pause(1)
      for (const i of order) {
        gates[i]?.()
        await pause(1)
      }
      await Promise.all(reads)
      await tier.getMany(['c'])
      // The next read starts from the older of both answers, because changes between them are unknown.
      expect(asked).toEqual([null, null, '1:1:'])
    }
  })

  it('from a later part of a read apply to rows of an earlier part', async () => {
    const l2 = cacheOver({ ...memory(), isLocal: false, tellsChanges: true })
    await l2.setMany({ a: 'old', b: 1 })
    const inParts = overStore(l2, (store) => ({
      async readMany(keys, options) {
        const reply = await store.readMany(keys, options)
        const changes = options?.changes as ChangeReader
        changes.since()
        await changes.receive({ cursor: '9:9:', changed: [], isGap: false })
        await changes.receive({ cursor: '10:10:', changed: [['key', 'a']], isGap: false })
        return reply
      },
    }))
    const other = tieredCache({ l1: memoryCache(), l2: inParts, l1Expiration: '1h', changes: true })
    await other.getMany(['a', 'b'])
    await l2.set('a', 'new')
    expect((await other.getMany(['a'])).get('a')).toBe('new')
  })
})

describe('parts that fail', () => {
  const failing = (cost = { roundTrips: 1, bytes: 0 }): Store => {
    const own = memory()
    const fail = () => Promise.reject(new DatabaseError('away', { cost }))
    const calls = Object.fromEntries(Object.keys(own).map((name) => [name, fail]))
    return { ...own, ...calls, isLocal: false, position: undefined, readLocal: undefined } as unknown as Store
  }

  it('inside a transaction are never absorbed by a sharded cache', async () => {
    const node = cacheOver({ ...failing(), isInTransaction: true })
    const cache = shardedCache({ nodes: { node }, onError: 'miss' })
    for (const call of [() => cache.get('k'), () => cache.set('k', 1), () => cache.getOrSet('k', 1)]) {
      await expect(call()).rejects.toMatchObject({ code: 'DATABASE' })
    }
  })

  it('report the cost of all nodes once', async () => {
    const events: CacheEvent[] = []
    const onEvent = (event: CacheEvent) => void events.push(event)
    const nodes = {
      a: cacheOver(failing({ roundTrips: 2, bytes: 3 }), { onEvent }),
      b: cacheOver(failing({ roundTrips: 4, bytes: 5 }), { onEvent }),
    }
    await shardedCache({ nodes })
      .clear()
      .catch(() => {})
    expect(events.map(({ roundTrips, bytes }) => [roundTrips, bytes])).toEqual([[6, 8]])
  })

  it('are counted by metrics below a shard, whatever the method', async () => {
    const own = withMetrics(cacheOver(failing()))
    const cache = shardedCache({ nodes: { own } })
    await Promise.allSettled([
      cache.increment('n'),
      cache.limit('l', { limit: 1, period: 1 }),
      cache.delete('d'),
      cache.get('g'),
    ])
    expect(own.metrics()).toMatchObject({ errors: 4 })
  })

  it('while they answer synchronously are read again, and reported by the read', async () => {
    const events: CacheEvent[] = []
    const store: Store = {
      ...failing(),
      readLocal() {
        throw new DatabaseError('broken')
      },
    }
    const cache = cacheOver(store, { onError: 'miss', onEvent: (event) => void events.push(event) })
    expect([await cache.get('k'), await cache.getOrSet('k', 1)]).toEqual([undefined, 1])
    expect(events.filter(({ type }) => type === 'error').length).toBeGreaterThanOrEqual(2)
  })
})

it('events of nested shards go to the listener of the node', async () => {
  const heard: Record<string, Set<string>> = { a: new Set(), b: new Set() }
  const node = (name: string) =>
    memoryCache({ eventKeys: true, onEvent: ({ key }) => void heard[name]?.add(key ?? '') })
  const inner = shardedCache({ nodes: { a: node('a'), b: node('b') }, namespace: 'ns' })
  const outer = shardedCache({ nodes: { inner } })
  const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`)
  for (const key of keys) await outer.set(key, 1)
  for (const name of ['a', 'b']) {
    expect([...(heard[name] ?? [])].sort()).toEqual(keys.filter((key) => inner.getNode(key) === name).sort())
  }
})

it('a namespace of the user is separate from sliding hints, also in a third-party first tier', async () => {
  const tier = tieredCache({ l1: thirdParty(memoryCache()), l2: memoryCache() })
  for (const name of ['@sliding', '@sliding hints', 'pgstash']) {
    await tier.namespace(name).set('x', 'mine')
    await tier.set('x', 1, { expiration: 1_000 })
    await tier.get('x', { sliding: 10 })
    expect(await tier.namespace(name).get('x')).toBe('mine')
  }
})

it('a store may copy the rows that it returned', async () => {
  const own = memory()
  const row = { value: '{"n":1}', number: null }
  const cache = cacheOver({
    ...own,
    isLocal: false,
    readLocal: undefined,
    readMany: async (keys: readonly string[]) => ({
      value: new Map(keys.map((key) => [key, row])),
      cost: { roundTrips: 1, bytes: 0 },
    }),
  } as unknown as Store)
  expect([await cache.get('a'), await cache.get('a')]).toEqual([{ n: 1 }, { n: 1 }])
  expect(structuredClone(row)).toEqual({ value: '{"n":1}', number: null })
})

describe('a third-party getOrSet', () => {
  it('is not delayed if it returns an old value and computes afterwards', async () => {
    let isSettled = false
    const own = memoryCache()
    await own.set('key', 'old')
    const foreign = {
      ...thirdParty(own),
      getOrSet: async (key: string, compute: (fill: unknown) => unknown) => {
        const old = await own.get(key)
        setTimeout(async () => {
          await Promise.resolve(compute({ key, skip() {}, tag() {}, expireIn() {} })).catch(() => {})
          isSettled = true
        }, 5)
        return old
      },
    } as unknown as Cache
    const cache = shardedCache({ nodes: { foreign } })
    expect(await cache.getOrSet('key', 'new')).toBe('old')
    await expect.poll(() => isSettled).toBe(true)
  })

  it('is not delayed by a fill that it refuses', async () => {
    let isSettled = false
    const foreign = {
      ...thirdParty(memoryCache()),
      async getOrSet(key: string, compute: (fill: unknown) => unknown) {
        const expireIn = () => {
          throw new Error('refused')
        }
        await Promise.resolve(compute({ key, skip() {}, tag() {}, expireIn })).catch(() => {})
        isSettled = true
      },
    } as unknown as Cache
    const cache = shardedCache({ nodes: { foreign } })
    expect(await cache.getOrSet('key', 'value', { expiration: '1m' })).toBe('value')
    expect(isSettled).toBe(true)
  })

  it('learns that a computation failed', async () => {
    const own = memoryCache()
    const seen: unknown[] = []
    const foreign = {
      ...thirdParty(own),
      getOrSet: (key: string, compute: (fill: never) => unknown, options: ClaimRequest) =>
        own.getOrSet(
          key,
          (fill) =>
            Promise.resolve(compute(fill as never)).catch((error) => {
              seen.push(error)
              throw error
            }),
          options as never,
        ),
    } as unknown as Cache
    const cache = shardedCache({ nodes: { foreign } })
    await expect(cache.getOrSet('key', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(seen).toHaveLength(1)
    expect(await cache.getOrSet('key', 'works')).toBe('works')
  })

  it('gets the sliding span that the computation chose, without slack', async () => {
    const own = memoryCache()
    const cache = shardedCache({ nodes: { foreign: thirdParty(own) } })
    const before = Date.now()
    await cache.getOrSet(
      'key',
      ({ expireIn }) => {
        expireIn(10)
        return 1
      },
      { sliding: true, expiration: '1h' },
    )
    const filledAt = ((await own.expiration('key'))?.getTime() ?? 0) - 12_500
    expect(filledAt).toBeGreaterThanOrEqual(before)
    expect(filledAt).toBeLessThanOrEqual(Date.now())
  })
})
