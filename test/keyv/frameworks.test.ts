/** Libraries that keep their entries in a Keyv: the installed ones themselves, and the calls that the others make. */
import { createCache as createCacheManager } from 'cache-manager'
import { Cacheable } from 'cacheable'
import Keyv from 'keyv'
import { type Cache, createCache } from 'pgstash'
import { keyvStore } from 'pgstash/keyv'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { managerOver } from '../../docs/snippets/keyv/cache-manager.ts'
import { cacheableOver } from '../../docs/snippets/keyv/cacheable.ts'
import { createMigratedStash, emptied } from '../rate-limit/limits.ts'
import { advance } from '../setup/postgres-store.ts'

type Stash = Awaited<ReturnType<typeof createMigratedStash>>

let stash: Stash
let cache: Cache
let faults: Faults

beforeAll(async () => {
  stash = await createMigratedStash()
  ;({ cache, faults } = stash)
})

beforeEach(() => emptied(stash))

describe('cacheable', () => {
  it('shares entries between processes, and answers repeated reads from its memory', async () => {
    const [one, two] = [cacheableOver(cache), cacheableOver(cache)]
    await one.set('k', { a: 1 })
    expect(await two.get('k')).toEqual({ a: 1 })
    faults.reset()
    expect(await two.get('k')).toEqual({ a: 1 })
    expect(faults.requests).toBe(0)
  })

  it('gives the first tier of another process the exact time of expiry', async () => {
    const [one, two] = [cacheableOver(cache), cacheableOver(cache)]
    await one.set('k', 1, '5m')
    const [written, read] = [await one.getRaw('k'), await two.getRaw('k')]
    expect(read?.expires).toBe(written?.expires)
    const copy = await two.primary.getRaw('k')
    expect(copy?.expires).toBeLessThanOrEqual(Number(written?.expires))
    expect(copy?.expires).toBeGreaterThan(Date.now())
  })

  it('reads, writes and deletes many keys in one round trip each', async () => {
    const [one, two] = [cacheableOver(cache), cacheableOver(cache)]
    const keys = ['a', 'b', 'c']
    const requests: number[] = []
    for (const call of [
      () => one.setMany(keys.map((key) => ({ key, value: key }))),
      () => two.getMany(keys),
      () => two.hasMany(keys),
      () => one.deleteMany(keys),
    ]) {
      faults.reset()
      await call()
      requests.push(faults.requests)
    }
    expect(requests).toEqual([1, 1, 0, 1])
    expect(await cacheableOver(cache).getMany(keys)).toEqual([undefined, undefined, undefined])
  })

  it('clears its own namespace only', async () => {
    const [shop, other] = [cacheableOver(cache), new Cacheable({ secondary: new Keyv({ store: keyvStore(cache) }) })]
    await shop.set('k', 1)
    await other.set('k', 2)
    await shop.clear()
    const fresh = new Cacheable({ secondary: new Keyv({ store: keyvStore(cache) }) })
    expect([await cacheableOver(cache).get('k'), await fresh.get('k')]).toEqual([undefined, 2])
  })

  it('takes the store itself', async () => {
    const own = new Cacheable({ secondary: keyvStore(cache) })
    await own.set('k', 1)
    expect(await new Cacheable({ secondary: keyvStore(cache) }).get('k')).toBe(1)
  })

  it('continues without the second tier while the database fails', async () => {
    const own = cacheableOver(cache)
    const errors: unknown[] = []
    own.on('error', (error) => errors.push(error))
    faults.always({ kind: 'error', status: 503 })
    expect(await own.get('none')).toBeUndefined()
    await own.set('k', 1)
    expect(await own.get('k')).toBe(1)
    expect(errors.length).toBeGreaterThan(0)
    faults.heal()
    expect(await own.get('none')).toBeUndefined()
  })

  it('invalidates by tags, in the first tier of other processes too', async () => {
    const create = () =>
      new Cacheable({ secondary: new Keyv({ store: keyvStore(cache) }), namespace: 'shop', tags: true })
    const [one, two] = [create(), create()]
    await one.set('k', 1, { ttl: '1h', tags: ['group'] })
    expect(await two.get('k')).toBe(1)
    await one.tags.invalidateTag('group')
    expect([await two.get('k'), await create().get('k')]).toEqual([undefined, undefined])
  })

  it('memoises a function for all processes', async () => {
    let calls = 0
    const double = async (n: number) => {
      calls++
      return n * 2
    }
    const wrap = () => cacheableOver(cache).wrap(double, { keyPrefix: 'double', ttl: '1h' })
    expect([await wrap()(2), await wrap()(2), await wrap()(3)]).toEqual([4, 4, 6])
    expect(calls).toBe(2)
  })
})

describe('cache-manager', () => {
  it('gets, sets and deletes one key and many', async () => {
    const manager = managerOver(cache)
    await manager.mset([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ])
    expect(await managerOver(cache).mget(['a', 'none', 'b'])).toEqual([1, undefined, 2])
    await manager.mdel(['a', 'b'])
    expect(await manager.mget(['a', 'b'])).toEqual([undefined, undefined])
    await manager.set('k', 'v')
    await manager.clear()
    expect(await manager.get('k')).toBeUndefined()
  })

  it('returns the time of expiry as an absolute time', async () => {
    const manager = managerOver(cache)
    await manager.set('k', 1, 60_000)
    const expires = await manager.ttl('k')
    expect(expires).toBeGreaterThan(Date.now())
    expect(expires).toBeLessThanOrEqual(Date.now() + 60_000)
    await advance(stash.db, 61_000)
    expect(await manager.ttl('k')).toBeUndefined()
  })

  it('wraps a function: one round trip for a hit, two for a miss', async () => {
    const manager = managerOver(cache)
    let calls = 0
    const load = async () => ++calls
    faults.reset()
    expect(await manager.wrap('k', load)).toBe(1)
    expect(faults.requests).toBe(2)
    expect(await manager.wrap('k', load)).toBe(1)
    expect(faults.requests).toBe(3)
  })

  it('keeps the same time of expiry in each of two stores', async () => {
    const [memory, shared] = [new Keyv(), new Keyv({ store: keyvStore(cache), namespace: 'shop' })]
    const manager = createCacheManager({ stores: [memory, shared], ttl: 60_000 })
    await manager.set('k', 1)
    const [near, far] = [await memory.get('k', { raw: true }), await shared.get('k', { raw: true })]
    expect(Math.abs(Number(near?.expires) - Number(far?.expires))).toBeLessThan(10_000)
  })

  it('leaves no rejection unhandled if it does not wait for writes', async () => {
    const manager = createCacheManager({ stores: [new Keyv({ store: keyvStore(cache) })], nonBlocking: true })
    faults.always({ kind: 'error', status: 503 })
    expect(await manager.set('k', 1)).toBe(1)
    expect(await manager.del('k')).toBe(true)
    expect(await manager.get('k')).toBeUndefined()
    await manager.mget(['k'])
  })

  it('rejects a failed write', async () => {
    const store = new Keyv({ store: keyvStore(cache), throwOnErrors: true })
    const manager = createCacheManager({ stores: [store] })
    faults.always({ kind: 'error', status: 503 })
    await expect(manager.set('k', 1)).rejects.toThrow()
    expect(await manager.get('k')).toBeUndefined()
  })
})

describe('the calls of NestJS', () => {
  it('caches the answer of a route, like CacheInterceptor', async () => {
    // CacheModule creates a Keyv for each of its `stores`, and passes them to cache-manager.
    const manager = createCacheManager({ stores: [new Keyv({ store: keyvStore(cache), ttl: 5_000 })], ttl: 5_000 })
    const key = '/cats?limit=10'
    expect(await manager.get(key)).toBeUndefined()
    await manager.set(key, [{ name: 'Tom' }], 30_000)
    expect(await manager.get(key)).toEqual([{ name: 'Tom' }])
    expect(await cache.namespace('keyv').expiration(key)).toBeInstanceOf(Date)
  })
})

describe('the calls of Apollo Server', () => {
  /** The calls of `KeyvAdapter` of `@apollo/utils.keyvadapter` on a Keyv. Times to live are in seconds. */
  function adapterOver(keyv: Keyv) {
    return {
      get: (keys: string[]) => keyv.get(keys),
      async set(key: string, value: string, options?: { ttl?: number | null | undefined }) {
        const { ttl } = options ?? {}
        await (typeof ttl === 'number' && !Number.isNaN(ttl) ? keyv.set(key, value, ttl * 1_000) : keyv.set(key, value))
      },
      delete: (key: string) => keyv.delete(key),
    }
  }

  it('reads in batches, and returns undefined for a miss', async () => {
    const apollo = adapterOver(new Keyv({ store: keyvStore(cache) }))
    const hash = `apq:${'0123456789abcdef'.repeat(4)}`
    await apollo.set(hash, '{ me { name } }')
    faults.reset()
    expect(await apollo.get([hash, 'apq:none'])).toEqual(['{ me { name } }', undefined])
    expect(faults.requests).toBe(1)
    expect(await apollo.delete(hash)).toBe(true)
  })

  it.each([
    [30, true],
    [null, false],
    [undefined, false],
  ])('stores with a time to live of %s seconds', async (ttl, expires) => {
    const apollo = adapterOver(new Keyv({ store: keyvStore(cache) }))
    await apollo.set('k', 'v', { ttl })
    const expiresAt = await cache.namespace('keyv').expiration('k')
    expect(expiresAt instanceof Date).toBe(expires)
    if (expires) expect(Number(expiresAt)).toBeLessThan(Date.now() + 31_000)
  })
})

describe('the calls of got', () => {
  it('keeps a response with its policy and its bytes', async () => {
    // cacheable-request creates this Keyv from the store that it is given.
    const keyv = new Keyv({
      store: keyvStore(createCache(stash.db, { timeout: 60_000 })),
      namespace: 'cacheable-request',
    })
    const key = 'GET:https://example.com/cats?limit=10'
    const response = {
      url: 'https://example.com/cats?limit=10',
      statusCode: 200,
      headers: { 'content-type': 'image/png', vary: 'accept' },
      body: Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)),
      cachePolicy: { v: 1, t: 1_700_000_000_000, sh: true, imm: 86_400_000, st: 200, resh: { etag: '"1"' }, m: 'GET' },
    }
    expect(await keyv.set(key, response, 60_000)).toBe(true)
    const found = await keyv.get<typeof response>(key)
    expect(found).toEqual(response)
    expect(Buffer.isBuffer(found?.body)).toBe(true)
    expect(await keyv.delete(key)).toBe(true)
    expect(await keyv.get(key)).toBeUndefined()
  })
})
