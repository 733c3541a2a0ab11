/**
 * A user's store below the engine: the example of docs/guides/custom-stores.md, and stores with one peculiarity each.
 */
import {
  type CacheEvent,
  type Cost,
  cacheOver,
  DatabaseError,
  type EngineOptions,
  InvalidOptionError,
  memoryCache,
  type Store,
  shardedCache,
  tieredCache,
  toReply,
  withMetrics,
} from 'pgstash'
import { cacheContract, type StoreUnderTest } from 'pgstash/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { KeyValueStore } from '../../docs/snippets/stores/own-store.ts'
import { testStore } from '../../docs/snippets/stores/own-store-test.ts'
import { memoryStore as memoryRows } from '../../src/stores/memory/memory-store.ts'
import { createStorage } from '../../src/stores/memory/storage.ts'
import { cacheOverStores, createKeyValueStorage, keyValueStores } from './key-value-store.ts'
import { memoryStore } from './memory-store.ts'
import { shardedStore } from './sharded-store.ts'
import { tieredStore } from './tiered-store.ts'

// The contract has a test with thousands of entries.
vi.setConfig({ testTimeout: 300_000 })

const runner = { describe, it, expect }
const own = () => cacheOverStores(keyValueStores())

describe('the contract', () => {
  describe('for a store of the user, as the docs test it', () => testStore(createKeyValueStorage))
  describe("over a store with onError: 'miss'", () =>
    cacheContract(runner, cacheOverStores(keyValueStores(), { onError: 'miss' })))
  describe('over a store below a memory tier', () => cacheContract(runner, tieredStore(memoryStore(), own())))
  describe('over a store as the first tier', () => cacheContract(runner, tieredStore(own(), memoryStore())))
  describe('over a store as a node', () => cacheContract(runner, shardedStore({ a: own(), b: memoryStore() })))
  describe('over a store with metrics', () => {
    const store = own()
    const measured: StoreUnderTest = { ...store, create: async (given) => withMetrics(await store.create(given)) }
    cacheContract(runner, measured)
  })
})

/** A store whose calls a test can count and make fail. */
function observedStore(store = keyValueStores().create()) {
  const calls: string[] = []
  let fault: (() => never | Promise<never>) | undefined
  const names = Object.getOwnPropertyNames(KeyValueStore.prototype).filter((name) => name !== 'constructor')
  const methods = names.map((name) => [
    name,
    (...args: never[]) => {
      calls.push(name)
      return fault === undefined
        ? (Reflect.get(store, name) as (...args: never[]) => unknown).apply(store, args)
        : fault()
    },
  ])
  return {
    store: Object.fromEntries(methods) as Store,
    calls,
    failWith(next: typeof fault) {
      fault = next
    },
  }
}

function observedCache(options: EngineOptions = {}) {
  const { store, ...observed } = observedStore()
  const events: CacheEvent[] = []
  return { ...observed, events, cache: cacheOver(store, { onEvent: (event) => events.push(event), ...options }) }
}

const outage = (options?: { cost: Cost }) => new DatabaseError('The storage is unreachable.', options)
const tripsOf = (events: readonly CacheEvent[]) => events.reduce((sum, { roundTrips }) => sum + roundTrips, 0)
const codeOf = async (work: Promise<unknown>) => work.then(() => 'none').catch((error: { code?: string }) => error.code)

describe('a value that is not a store', () => {
  it.each([undefined, null, 5, 'store', () => {}])('is refused: %s', (value) => {
    expect(() => cacheOver(value as never)).toThrow(InvalidOptionError)
  })

  it('is refused with the names of the missing methods', () => {
    const { read: _, fill: __, ...rest } = observedStore().store
    expect(() => cacheOver(rest as Store)).toThrow('Expected a store, got an object without the methods read, fill.')
    expect(() => cacheOver(memoryCache() as never)).toThrow(/without the methods read, readMany,/)
    expect(() => cacheOver({ ...observedStore().store, list: 5 } as never)).toThrow(/without the methods list\.$/)
  })

  it('is refused with an unknown option', () => {
    expect(() => cacheOver(observedStore().store, { ttl: 5 } as never)).toThrow(InvalidOptionError)
    expect(() => cacheOver(observedStore().store, { timeout: -1 })).toThrow(InvalidOptionError)
  })
})

describe.each<[string, () => never | Promise<never>, string]>([
  ['rejects with DatabaseError', () => Promise.reject(outage()), 'DATABASE'],
  [
    'throws DatabaseError at once',
    () => {
      throw outage()
    },
    'DATABASE',
  ],
  ['never answers', () => new Promise(() => {}), 'TIMEOUT'],
])("a store that %s, with onError: 'miss'", (_name, fault, code) => {
  const failing = (options: EngineOptions = {}) => {
    const observed = observedCache({ onError: 'miss', timeout: 20, ...options })
    observed.failWith(fault)
    return observed
  }

  it('is a miss for reads, drops writes, and lets getOrSet compute', async () => {
    const { cache } = failing()
    expect(await cache.get('key')).toBeUndefined()
    expect(await cache.get('key', { sliding: 60 })).toBeUndefined()
    expect(await cache.getMany(['key'])).toEqual(new Map())
    const second = failing().cache
    expect(await second.has('key')).toBe(false)
    expect(await second.expiration('key')).toBeUndefined()
    expect(await second.touch('key', 60)).toBe(false)
    await second.set('key', 1)
    expect(await failing().cache.getOrSet('key', () => 'computed')).toBe('computed')
  })

  it('rejects calls whose result must not be faked', async () => {
    const { cache, events } = failing()
    for (const call of [
      () => cache.add('key', 1),
      () => cache.delete('key'),
      () => cache.deleteMany(['key']),
      () => cache.pull('key'),
      () => cache.increment('key'),
      () => cache.limit('key', { limit: 1, period: 60 }),
      () => cache.invalidate('tag'),
      () => cache.snapshot(),
      () => cache.count(),
      () => cache.stats(),
      () => cache.list(),
    ]) {
      expect(await codeOf(call())).toBe(code)
    }
    expect(events.filter(({ type }) => type === 'error')).toHaveLength(11)
  })

  it('is skipped after five failures in a row', async () => {
    // Time stands still for the circuit. Otherwise a slow test could outlast its pause of one second.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    onTestFinished(() => void clock.mockRestore())
    const { cache, calls, events } = failing()
    for (let i = 0; i < 5; i++) await cache.get(`key ${i}`)
    expect(calls).toHaveLength(5)
    expect(events.filter((event) => event.type === 'error' && event.circuit === 'opened')).toHaveLength(1)
    expect([await cache.get('key'), await cache.getOrSet('key', 'computed')]).toEqual([undefined, 'computed'])
    expect(calls).toHaveLength(5)
    expect(await codeOf(cache.add('key', 1))).toBe(code)
    expect(calls).toHaveLength(6)
  })

  it('rejects every call without the option', async () => {
    const { cache, failWith } = observedCache({ timeout: 20 })
    failWith(fault)
    const calls = [cache.get('key'), cache.set('key', 1), cache.has('key'), cache.getOrSet('key', 1)]
    expect(await Promise.all(calls.map(codeOf))).toEqual(Array(4).fill(code))
  })
})

describe('a store that throws its own error', () => {
  class DiskFull extends Error {}

  it.each(['throw', 'miss'] as const)(
    'rejects the call with that error and notifies the listener, with onError: %s',
    async (onError) => {
      for (const isAsync of [true, false]) {
        const { cache, events, failWith, calls } = observedCache({ onError })
        const error = new DiskFull('disk full')
        failWith(() => {
          if (isAsync) return Promise.reject(error)
          throw error
        })
        for (let i = 0; i < 6; i++) {
          const thrown = await (i % 2 === 0 ? cache.get('key') : cache.set('key', 1)).catch((caught: unknown) => caught)
          expect(thrown).toBe(error)
        }
        // This is no outage, so the circuit stays closed.
        expect(calls).toHaveLength(6)
        expect(events.map((event) => event.type === 'error' && event.error)).toEqual(Array(6).fill(error))
      }
    },
  )

  it("rejects getOrSet too, also with onError: 'miss'", async () => {
    for (const onError of ['throw', 'miss'] as const) {
      const { cache, events, failWith } = observedCache({ onError })
      const error = new DiskFull('disk full')
      failWith(() => Promise.reject(error))
      const answer = await cache.getOrSet('key', 'computed').catch((caught: unknown) => caught)
      expect(answer).toBe(error)
      expect(events.filter((event) => event.type === 'error' && event.error === error)).toHaveLength(1)
    }
  })
})

describe('events', () => {
  it('report every round trip of the store exactly once', async () => {
    const { cache, events, calls } = observedCache()
    await cache.setMany({ a: 1, b: 2, c: 3 }, { tags: ['tag'] })
    await Promise.all([cache.get('a'), cache.get('b'), cache.get('missing'), cache.get('a', { sliding: 60 })])
    await cache.getMany(['a', 'b', 'missing'])
    await Promise.all(Array.from({ length: 3 }, () => cache.getOrSet('computed', async () => 1)))
    await cache.getOrSet('computed', 2)
    await cache.getOrSet('failed', () => Promise.reject(new Error('origin failed'))).catch(() => {})
    await Promise.all([cache.increment('n'), cache.limit('l', { limit: 1, period: 60 }), cache.add('d', 1)])
    await Promise.all([cache.has('a'), cache.expiration('a'), cache.touch('a', 60), cache.pull('b')])
    await Promise.all([
      cache.delete('a'),
      cache.deleteMany(['c', 'd']),
      cache.invalidate('tag'),
      cache.entry('n').value(),
    ])
    // `count`, `stats`, `list` and `snapshot` report only failures, and a cleanup has no cost.
    const sent = calls.filter((name) => name !== 'sweep').length
    expect(sent).toBeGreaterThan(15)
    expect(tripsOf(events)).toBe(sent)
  })

  it('report the round trips of a failure, absorbed or not', async () => {
    for (const onError of ['throw', 'miss'] as const) {
      const { cache, events, failWith } = observedCache({ onError })
      failWith(() => Promise.reject(outage({ cost: { roundTrips: 3, bytes: 5 } })))
      await Promise.allSettled([cache.get('key'), cache.set('key', 1), cache.add('key', 1), cache.getOrSet('key', 1)])
      expect(tripsOf(events)).toBe(12)
    }
  })
})

describe('a local store', () => {
  it('works as an instance of a class, and as an object that uses `this`', async () => {
    class LocalStore {
      get isLocal() {
        return true
      }
    }
    const local = memoryRows(createStorage({ maxEntries: 100, maxBytes: 1_000, now: undefined }))
    for (const [name, method] of Object.entries(local)) {
      if (typeof method === 'function') Reflect.set(LocalStore.prototype, name, method)
    }
    const cache = cacheOver(new LocalStore() as unknown as Store)
    await cache.set('key', [1], { tags: ['tag'] })
    expect([await cache.get('key'), await cache.getOrSet('key', 2), await cache.getOrSet('new', 3)]).toEqual([
      [1],
      [1],
      3,
    ])
    await cache.invalidate('tag')
    expect(await cache.get('key')).toBeUndefined()
  })

  it('may return a promise nevertheless', async () => {
    const cache = cacheOver({ ...observedStore().store, isLocal: true })
    await cache.set('key', 1)
    expect([await cache.get('key'), await cache.getOrSet('key', 2), await cache.getOrSet('new', 3)]).toEqual([1, 1, 3])
    expect(await cache.get('new', { sliding: 60 })).toBe(3)
  })
})

it('an object whose methods use `this` stays one object below other caches', async () => {
  const store = {
    ...observedStore().store,
    invalidations: 0,
    invalidate() {
      this.invalidations++
      return toReply(undefined)
    },
  }
  const node = cacheOver(store, { namespace: 'app', onError: 'miss' })
  await shardedCache({ nodes: { node } }).invalidate('tag')
  await tieredCache({ l1: memoryCache(), l2: node }).invalidate('tag')
  expect(store.invalidations).toBe(2)
})

it('clear and cleanup of a slow store have no timeout', async () => {
  const { store } = observedStore()
  const slow = async <T>(value: T) => {
    await new Promise((resolve) => setTimeout(resolve, 40))
    return toReply(value)
  }
  const cache = cacheOver(
    { ...store, clear: () => slow(1), sweep: () => slow({ removed: 1, more: false }), size: () => slow(1) },
    { timeout: 10 },
  )
  expect([await cache.clear(), (await cache.clearExpired()).removed]).toEqual([1, 1])
  expect(await codeOf(cache.count())).toBe('TIMEOUT')
})
