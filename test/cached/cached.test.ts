import {
  asCached,
  type Cache,
  type CachedOptions,
  type CacheEvent,
  cached,
  devalueCodec,
  getDefaultCache,
  memoryCache,
  nullCache,
  setDefaultCache,
  shardedCache,
  tieredCache,
  withMetrics,
} from 'pgstash'
import { describe, expect, it } from 'vitest'
import { pause, times } from '../fill/clients.ts'
import { createGate } from '../setup/gate.ts'

/** A function that returns how often it was called. */
function counting<Args extends unknown[]>() {
  const calls: Args[] = []
  async function load(...args: Args) {
    calls.push(args)
    return { call: calls.length }
  }
  return { load, calls }
}

describe('a cached function', () => {
  it('computes once for equal arguments, and gives each caller its own copy', async () => {
    const { load, calls } = counting<[number]>()
    const find = cached(load, { cache: memoryCache() })
    const values = await Promise.all(times(10, () => find(1)))
    expect(values).toEqual(times(10, () => ({ call: 1 })))
    expect(new Set(values).size).toBe(10)
    expect(await find(2)).toEqual({ call: 2 })
    expect(calls).toEqual([[1], [2]])
  })

  it('may wrap a synchronous function, and preserves `this`', async () => {
    const cache = memoryCache()
    const owner = {
      rate: 2,
      price: cached(
        function (this: { rate: number }, amount: number) {
          return this.rate * amount
        },
        { cache, key: 'price' },
      ),
    }
    expect([await owner.price(3), await owner.price.uncached.call(owner, 5)]).toEqual([6, 10])
    owner.rate = 3
    expect(await owner.price(3)).toBe(6)
    expect(await owner.price.refresh.call(owner, 3)).toBe(9)
  })

  it('stores null, and returns undefined without storing it', async () => {
    let computed = 0
    const cache = memoryCache()
    const nothing = cached(() => void computed++, { cache, key: 'nothing' })
    const none = cached(() => (computed++ < 0 ? 1 : null), { cache, key: 'none' })
    expect([await nothing(), await nothing(), await none(), await none()]).toEqual([undefined, undefined, null, null])
    expect(computed).toBe(3)
  })

  it('stores no failure', async () => {
    let computed = 0
    const failing = cached(
      async () => {
        if (++computed === 1) throw new Error('origin failed')
        return computed
      },
      { cache: memoryCache(), key: 'failing' },
    )
    await expect(failing()).rejects.toThrow('origin failed')
    expect(await failing()).toBe(2)
  })

  it('drops the value of given arguments, and does not store a pending computation for them', async () => {
    const { load } = counting<[number]>()
    const find = cached(load, { cache: memoryCache() })
    await find(1)
    await find(2)
    expect([await find.invalidate(1), await find.invalidate(1)]).toEqual([true, false])
    expect([await find(1), await find(2)]).toEqual([{ call: 3 }, { call: 2 }])
    const [begun, end] = [createGate(), createGate()]
    const slow = cached(
      async () => {
        begun.open()
        await end.opened
        return 'old'
      },
      { cache: memoryCache(), key: 'slow' },
    )
    const computing = slow()
    await begun.opened
    await slow.invalidate()
    end.open()
    expect(await computing).toBe('old')
    expect(await slow.invalidate()).toBe(false)
  })

  it('has a way to call the original function, which bypasses the cache', async () => {
    const { load, calls } = counting<[number]>()
    const find = cached(load, { cache: memoryCache() })
    expect([await find(1), await find.uncached(1), await find(1)]).toEqual([{ call: 1 }, { call: 2 }, { call: 1 }])
    expect(calls.length).toBe(2)
  })

  it('accepts the options of getOrSet', async () => {
    let now = 1e12
    const cache = memoryCache({ now: () => now })
    const { load } = counting<[number]>()
    const find = cached(load, { cache, expiration: '1m', stale: '1m', tags: (id) => [`row ${id}`, 'rows'] })
    await find(1)
    now += 60_000
    await find(2)
    expect(await find(1)).toEqual({ call: 3 })
    await cache.invalidate('row 1')
    expect([await find(1), await find(2)]).toEqual([{ call: 4 }, { call: 2 }])
  })

  it('gives each value the tags of a generator that can be read only once', async () => {
    const cache = memoryCache()
    const { load } = counting<[number]>()
    const find = cached(load, { cache, tags: new Set(['rows']).values() })
    await Promise.all([find(1), find(2)])
    await cache.invalidate('rows')
    expect([await find(1), await find(2)]).toEqual([{ call: 3 }, { call: 4 }])
  })

  it('passes background work to its own waitUntil', async () => {
    let now = 1e12
    const cache = memoryCache({ now: () => now })
    const { load } = counting<[]>()
    const work: Promise<unknown>[] = []
    const find = cached(load, { cache, expiration: '1m', stale: '1m', waitUntil: (each) => void work.push(each) })
    await find()
    now += 60_000
    work.length = 0
    expect(await find()).toEqual({ call: 1 })
    expect(work).not.toEqual([])
    await Promise.all(work)
    expect(await find()).toEqual({ call: 2 })
  })

  it('stores no value whose arguments have changed since the call', async () => {
    const sum = cached((list: number[]) => list.reduce((a, b) => a + b, 0), { cache: memoryCache(), key: 'sum' })
    const list = [1]
    const computing = sum(list)
    list.push(2)
    expect(await computing).toBe(3)
    expect(await sum([1])).toBe(1)
  })
})

describe('refresh of a cached function', () => {
  it('computes and stores a new value, while others get the old one', async () => {
    const cache = memoryCache()
    let value = 'old'
    const [begun, end] = [createGate(), createGate()]
    const find = cached(
      async () => {
        const mine = value
        if (mine === 'old') return mine
        begun.open()
        await end.opened
        return mine
      },
      { cache, key: 'find', expiration: '1m' },
    )
    await find()
    value = 'new'
    const refreshing = find.refresh()
    await begun.opened
    expect(await Promise.all(times(3, () => find()))).toEqual(times(3, () => 'old'))
    end.open()
    expect([await refreshing, await find()]).toEqual(['new', 'new'])
  })

  it('stores nothing if a write overtook it', async () => {
    const cache = memoryCache()
    const find = cached(
      async () => {
        await cache.set('find()', 'written')
        return 'computed'
      },
      { cache, key: 'find' },
    )
    expect(await find.refresh()).toBe('computed')
    expect(await find()).toBe('written')
  })

  it('waits for a pending computation, and computes after it', async () => {
    let computed = 0
    const [begun, end] = [createGate(), createGate()]
    const find = cached(
      async () => {
        begun.open()
        await end.opened
        return ++computed
      },
      { cache: memoryCache(), key: 'find' },
    )
    const first = find()
    await begun.opened
    const refreshing = find.refresh()
    await pause(5)
    end.open()
    expect([await refreshing, await first, await find()]).toEqual([2, 1, 2])
  })

  it('leaves the old value if it fails', async () => {
    let isBroken = false
    const work = async () => {
      if (isBroken) throw new Error('origin failed')
      return 'old'
    }
    const find = cached(work, { cache: memoryCache(), stale: '1h' })
    await find()
    isBroken = true
    await expect(find.refresh()).rejects.toThrow('origin failed')
    expect(await find()).toBe('old')
  })

  it('works through wrappers that count and delegate, and is a miss', async () => {
    const cache = withMetrics(memoryCache())
    let computed = 0
    const find = cached(async () => ++computed, { cache, key: 'find' })
    expect([await find(), await find(), await find.refresh(), await find()]).toEqual([1, 1, 2, 2])
    expect(cache.metrics()).toMatchObject({ hits: 2, misses: 2 })
  })

  it('on a third-party store is a write that invalidations fence', async () => {
    const { get, set, getOrSet, snapshot, invalidate, ...rest } = memoryCache()
    const own = { get, set, getOrSet, snapshot, invalidate, ...rest } as Cache
    const foreign = Object.fromEntries(Object.entries(own)) as unknown as Cache
    let value = 1
    let before = async () => {}
    const find = cached(
      async () => {
        const mine = value
        await before()
        return mine
      },
      { cache: foreign, key: 'find', tags: ['tag'], expiration: '1m' },
    )
    await find()
    value = 2
    expect([await find.refresh(), await find()]).toEqual([2, 2])
    expect(await foreign.expiration('find()')).toBeInstanceOf(Date)
    before = () => foreign.invalidate('tag')
    await find.refresh()
    before = async () => {}
    value = 3
    expect(await find()).toBe(3)
    expect(await nullCache().getOrSet('key', 1)).toBe(1)
  })
})

describe('the cache of a cached function', () => {
  it('may be given later, as the default or by a function', async () => {
    const events: CacheEvent[] = []
    const late = memoryCache({ onEvent: (event) => events.push(event) })
    const find = cached(async () => 1, { key: 'find' })
    const own = cached(async () => 2, { key: 'own', cache: () => late.namespace('own') })
    await find()
    expect(await getDefaultCache().has(find.key())).toBe(true)
    setDefaultCache(late)
    await find()
    await own()
    expect((await late.list()).entries.map(({ key, namespace }) => [...namespace, key].join())).toEqual([
      'find()',
      'own,own()',
    ])
  })

  it('is validated, like all options', async () => {
    const wrong: [object, string][] = [
      [{ cache: {} }, 'INVALID_OPTION'],
      [{ key: '' }, 'INVALID_OPTION'],
      [{ key: 5 }, 'INVALID_OPTION'],
      [{ ttl: 5 }, 'INVALID_OPTION'],
      [{ signal: AbortSignal.abort() }, 'INVALID_OPTION'],
      [{ expiration: 'soon' }, 'INVALID_EXPIRATION'],
      [{ stale: new Date() }, 'INVALID_EXPIRATION'],
    ]
    for (const [options, code] of wrong) {
      expect(() => cached(async () => 1, { key: 'key', ...options })).toThrow(expect.objectContaining({ code }))
    }
    expect(() => cached(() => 1)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    const find = cached(async () => 1, { key: 'key', cache: () => ({}) as Cache })
    await expect(find()).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(() => asCached(async () => 1)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})

describe('a function as key option', () => {
  it('returns the whole key, for arguments without a text', async () => {
    class User {
      constructor(readonly id: number) {}
    }
    const cache = memoryCache()
    const options: CachedOptions<[User]> = { cache, key: ({ id }) => `user:${id}` }
    const name = cached(async (user: User) => `user ${user.id}`, options)
    expect(name.key(new User(5))).toBe('user:5')
    expect(await name(new User(5))).toBe('user 5')
    expect(await cache.get('user:5')).toBe('user 5')
  })
})

describe('the form of a cached function’s result', () => {
  const at = new Date(0)
  const ISO = '1970-01-01T00:00:00.000Z'

  it('is the same computed, found and refreshed, in every store', async () => {
    const memory = memoryCache()
    // A third-party store has only the methods, and no engine.
    const foreign = Object.fromEntries(Object.entries(memoryCache())) as unknown as Cache
    const rich = memoryCache({ codec: devalueCodec })
    for (const [cache, expected] of [
      [memory, ISO],
      [foreign, ISO],
      [nullCache(), ISO],
      [rich, at],
      [nullCache({ codec: devalueCodec }), at],
      [tieredCache({ l1: memoryCache(), l2: memoryCache() }), ISO],
      [shardedCache({ nodes: { a: memoryCache() } }), ISO],
      [withMetrics(memoryCache()), ISO],
    ] as const) {
      const find = cached(async () => ({ at }), { cache, key: 'find' })
      const values = [await find(), await find(), await find.refresh(), await find()]
      expect(values).toEqual(Array(4).fill({ at: expected }))
    }
  })

  it('is the function’s own for undefined, and for values not stored because an argument changed', async () => {
    const none = cached(async () => undefined, { cache: memoryCache(), key: 'none' })
    expect([await none(), await none()]).toEqual([undefined, undefined])
    const change = cached(async (list: number[]) => ({ list, at }), { cache: memoryCache(), key: 'change' })
    const list = [1]
    const changed = change(list)
    list.push(2)
    expect(await changed).toEqual({ list: [1, 2], at: ISO })
  })
})
