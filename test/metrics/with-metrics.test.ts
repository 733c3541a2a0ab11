import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Hono } from 'hono'
import { type Cache, createCache, DatabaseError, InvalidOptionError, withMetrics } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { cacheContract } from 'pgstash/testing'
import { beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { advance, postgresStore } from '../setup/postgres-store.ts'

const db = drizzle(createPool(await createDatabase()))
const store = await postgresStore(db)

describe('a cache with metrics passes the contract of caches:', () => {
  cacheContract(
    { describe, it, expect },
    { ...store, create: async (options) => withMetrics(await store.create(options)) },
  )
})

describe('withMetrics', () => {
  let cache: ReturnType<typeof withMetrics>
  const counts = () => {
    const { hits, misses, errors } = cache.metrics()
    return { hits, misses, errors }
  }

  beforeEach(async () => {
    await store.reset()
    cache = withMetrics(createCache(db, { timeout: 60_000 }))
  })

  it('counts hits and misses of get, a stored null among the hits', async () => {
    await cache.set('null', null)
    expect(await cache.get('null')).toBe(null)
    expect(await cache.get('missing')).toBe(undefined)
    expect(counts()).toEqual({ hits: 1, misses: 1, errors: 0 })
  })

  it('distinguishes a miss from a stored value that equals the fallback', async () => {
    await cache.set('zero', 0)
    expect(await cache.get('zero', { fallback: 0 })).toBe(0)
    expect(counts()).toEqual({ hits: 1, misses: 0, errors: 0 })
    expect(await cache.get('missing', { fallback: 0, sliding: '1m' })).toBe(0)
    expect(counts()).toEqual({ hits: 1, misses: 1, errors: 0 })
  })

  it('counts each key of getMany once, also from a generator', async () => {
    await cache.setMany({ a: 1, b: 2 })
    function* keys() {
      yield* ['a', 'b', 'missing', 'a', 'missing']
    }
    expect([...(await cache.getMany(keys()))]).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    expect(counts()).toEqual({ hits: 2, misses: 1, errors: 0 })
  })

  it('counts pull, but not has, expiration or writes', async () => {
    await cache.set('key', 1)
    await cache.has('key')
    await cache.has('missing')
    await cache.expiration('missing')
    await cache.add('key', 2)
    await cache.increment('number')
    await cache.touch('missing')
    await cache.delete('missing')
    expect(counts()).toEqual({ hits: 0, misses: 0, errors: 0 })
    expect(await cache.pull('key')).toBe(1)
    expect(await cache.pull('key')).toBe(undefined)
    expect(counts()).toEqual({ hits: 1, misses: 1, errors: 0 })
  })

  it('counts computed values of getOrSet as misses, and stored values as hits', async () => {
    expect(await cache.getOrSet('key', async () => 1)).toBe(1)
    expect(await cache.getOrSet('key', async () => 2)).toBe(1)
    expect(await cache.getOrSet('plain', 3)).toBe(3)
    expect(await cache.getOrSet('skipped', ({ skip }) => skip())).toBe(undefined)
    expect(counts()).toEqual({ hits: 1, misses: 3, errors: 0 })
  })

  it('counts a value computed by another call as a hit for the callers that share it', async () => {
    const values = await Promise.all([1, 2, 3].map((value) => cache.getOrSet('key', async () => ({ value }))))
    expect(values).toEqual([{ value: 1 }, { value: 1 }, { value: 1 }])
    expect(counts()).toEqual({ hits: 2, misses: 1, errors: 0 })
  })

  it('counts a failed computation as a miss, and not as an error of the cache', async () => {
    const failure = new Error('no such user')
    await expect(cache.getOrSet('key', () => Promise.reject(failure))).rejects.toBe(failure)
    expect(counts()).toEqual({ hits: 0, misses: 1, errors: 0 })
  })

  it('counts neither if the caller aborts', async () => {
    const leaving = new AbortController()
    const left = cache.getOrSet('key', () => new Promise<number>(() => {}), { signal: leaving.signal, lease: '1s' })
    leaving.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    expect(counts()).toEqual({ hits: 0, misses: 0, errors: 0 })
  })

  describe('for a stale value', () => {
    const options = { expiration: '1m', stale: '1h' } as const
    const work: Promise<unknown>[] = []

    beforeEach(async () => {
      cache = withMetrics(createCache(db, { waitUntil: (refresh) => work.push(refresh) }))
      await cache.getOrSet('key', () => ({ made: 'first' }), options)
      await Promise.all(work)
      await advance(db, 5 * 60_000)
      cache.resetMetrics()
    })

    it.each<[string, () => unknown]>([
      ['at once', () => ({ made: 'again' })],
      ['later', async () => ({ made: 'again' })],
    ])('counts a hit, although this call refreshes it in the background, %s', async (_when, compute) => {
      expect(await cache.getOrSet('key', compute, options)).toEqual({ made: 'first' })
      await Promise.all(work)
      expect(counts()).toEqual({ hits: 1, misses: 0, errors: 0 })
      expect(await cache.get('key')).toEqual({ made: 'again' })
    })

    it('counts a hit if it is served because the computation failed', async () => {
      const failing = () => Promise.reject(new Error('down'))
      cache = withMetrics(createCache(db, { timeout: 60_000 }))
      expect(await cache.getOrSet('key', failing, options)).toEqual({ made: 'first' })
      expect(counts()).toEqual({ hits: 1, misses: 0, errors: 0 })
    })

    it('counts a miss if the caller waits for the new value, as it does without waitUntil', async () => {
      cache = withMetrics(createCache(db, { timeout: 60_000 }))
      expect(await cache.getOrSet('key', () => ({ made: 'again' }), options)).toEqual({ made: 'again' })
      expect(counts()).toEqual({ hits: 0, misses: 1, errors: 0 })
    })
  })

  it('calls a getOrSet that a program has put in place of the cache’s own', async () => {
    const own = createCache(db)
    const replaced = vi.fn(own.getOrSet)
    cache = withMetrics({ ...own, getOrSet: replaced as Cache['getOrSet'] })
    expect(await cache.getOrSet('key', 1, { stale: '1h' })).toBe(1)
    expect(replaced).toHaveBeenCalledTimes(1)
    expect(counts()).toEqual({ hits: 0, misses: 1, errors: 0 })
  })

  it('counts a handle once for each row that it reads', async () => {
    const entry = cache.entry<number>('key')
    expect([await entry.exists(), await entry.value()]).toEqual([false, undefined])
    expect(counts()).toEqual({ hits: 0, misses: 1, errors: 0 })
    expect(await entry.set(1)).toBe(1)
    expect([await entry.value(), await entry.value(), await entry.exists()]).toEqual([1, 1, true])
    expect(counts()).toEqual({ hits: 1, misses: 1, errors: 0 })
    entry.reload()
    await entry.value()
    expect(await entry.delete()).toBe(true)
    await entry.exists()
    expect(counts()).toEqual({ hits: 2, misses: 2, errors: 0 })
  })

  it('counts all namespaces together, but no other cache', async () => {
    await cache.namespace('a').get('key')
    await cache.namespace('a').namespace('b').getOrSet('key', 1)
    await createCache(db).get('key')
    expect(counts()).toEqual({ hits: 0, misses: 2, errors: 0 })
    expect(withMetrics(cache).metrics().misses).toBe(0)
  })

  it('counts the responses of a response cache that stores in it, including those in namespaces', async () => {
    const told: string[] = []
    cache = withMetrics(createCache(db, { onEvent: ({ type }) => void told.push(type) }))
    let isBroken = false
    const app = new Hono().use(responseCache({ cache: () => (isBroken ? cache.namespace('b') : cache) }))
    app.get('/', (c) => c.text('page', 200, { 'cache-control': 'max-age=60' }))
    app.get('/private', (c) => c.text('own', 200, { 'cache-control': 'private' }))
    for (const path of ['/', '/', '/private', '/']) await (await app.request(`https://example.com${path}`)).text()
    expect(counts()).toEqual({ hits: 2, misses: 2, errors: 0 })
    expect(told).toEqual(expect.arrayContaining(['hit', 'miss']))
    isBroken = true
    await db.execute(sql`alter table cache_leases rename to cache_leases_away`)
    await (await app.request('https://example.com/')).text()
    await db.execute(sql`alter table cache_leases_away rename to cache_leases`)
    expect(counts()).toEqual({ hits: 2, misses: 3, errors: 1 })
  })

  it('returns a rate of 0 before the first read, and after a reset', async () => {
    expect(JSON.stringify(cache.metrics())).toBe('{"hits":0,"misses":0,"rate":0,"errors":0}')
    await cache.set('key', 1)
    await Promise.all(['key', 'key', 'key', 'missing'].map((key) => cache.get(key)))
    expect(cache.metrics()).toEqual({ hits: 3, misses: 1, rate: 0.75, errors: 0 })
    cache.resetMetrics()
    expect(cache.metrics()).toEqual({ hits: 0, misses: 0, rate: 0, errors: 0 })
  })

  it('counts rejected calls as errors, including invalid input, and rejects with the same error', async () => {
    await expect(cache.get('')).rejects.toMatchObject({ code: 'INVALID_KEY' })
    await expect(cache.get('key', 'fallback' as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(cache.get('key', [] as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(cache.get('key', { falback: 1 } as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(cache.getMany('keys')).rejects.toMatchObject({ code: 'INVALID_KEY' })
    await expect(cache.getMany(undefined as never)).rejects.toMatchObject({ code: 'INVALID_KEY' })
    await expect(cache.getOrSet('key', () => 1n)).rejects.toMatchObject({ code: 'UNSERIALIZABLE_VALUE' })
    await expect(cache.set('key', 1n)).rejects.toMatchObject({ code: 'UNSERIALIZABLE_VALUE' })
    await cache.set('text', 'no number')
    await expect(cache.increment('text')).rejects.toMatchObject({ code: 'NOT_A_NUMBER' })
    await expect(cache.entry('text').set(1n)).rejects.toMatchObject({ code: 'UNSERIALIZABLE_VALUE' })
    expect(counts()).toEqual({ hits: 0, misses: 0, errors: 10 })
  })

  it('counts an unreachable database as misses if the cache does, and otherwise as errors', async () => {
    const away = drizzle(createPool('postgresql://127.0.0.1:1/nowhere'))
    cache = withMetrics(createCache(away, { onError: 'miss', timeout: 200 }))
    expect(await cache.get('key')).toBe(undefined)
    expect(await cache.getOrSet('key', 1)).toBe(1)
    expect(counts()).toEqual({ hits: 0, misses: 2, errors: 0 })
    cache = withMetrics(createCache(away, { timeout: 200 }))
    await expect(cache.get('key')).rejects.toBeInstanceOf(Error)
    await expect(cache.getOrSet('key', 1)).rejects.toBeInstanceOf(Error)
    expect(counts()).toEqual({ hits: 0, misses: 0, errors: 2 })
  })

  it('accepts a cache whose methods need their `this`, and one whose methods throw instead of rejecting', async () => {
    class Custom {
      #asked = 0
      get(_key: string, { fallback }: { fallback: unknown }) {
        this.#asked++
        return Promise.resolve(this.#asked > 1 ? 'found' : fallback)
      }
      getOrSet() {}
      set(): Promise<void> {
        throw new DatabaseError('down')
      }
    }
    cache = withMetrics(new Custom() as unknown as Cache)
    expect([await cache.get('key'), await cache.get('key')]).toEqual([undefined, 'found'])
    await expect(cache.set('key', 1)).rejects.toBeInstanceOf(DatabaseError)
    expect(counts()).toEqual({ hits: 1, misses: 1, errors: 1 })
  })

  it('refuses a value that is not a cache', () => {
    for (const none of [undefined, null, {}, 'cache', db]) {
      expect(() => withMetrics(none as never)).toThrow(InvalidOptionError)
    }
  })

  it('keeps the types of the methods', () => {
    expectTypeOf(cache.get<number>('key')).toEqualTypeOf<Promise<number | undefined>>()
    expectTypeOf(cache.get<string, null>('key', { fallback: null })).toEqualTypeOf<Promise<string | null>>()
    expectTypeOf(cache.getMany<number>([])).toEqualTypeOf<Promise<Map<string, number>>>()
    expectTypeOf(cache.getOrSet('key', async () => 1)).toEqualTypeOf<Promise<number>>()
    expectTypeOf(cache).toExtend<Cache>()
  })
})
