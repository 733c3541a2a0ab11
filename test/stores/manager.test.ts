import { drizzle } from 'drizzle-orm/pg-proxy'
import {
  createCache,
  createCacheManager,
  getDefaultCache,
  memoryCache,
  nullCache,
  setDefaultCache,
  tieredCache,
  withMetrics,
} from 'pgstash'
import { describe, expect, it } from 'vitest'

describe('createCacheManager', () => {
  const create = () =>
    createCacheManager({ default: 'first', stores: { first: memoryCache(), second: memoryCache(), off: nullCache() } })

  it('acts as the default store, and returns the others by name', async () => {
    const caches = create()
    await caches.set('key', 1)
    await caches.store('second').set('key', 2)
    expect([await caches.get('key'), await caches.store('first').get('key')]).toEqual([1, 1])
    expect(await caches.store('second').get('key')).toBe(2)
    expect(await caches.namespace('app').getOrSet('key', 3)).toBe(3)
    expect(await caches.entry('key').value()).toBe(1)
    expect(caches.names).toEqual(['first', 'second', 'off'])
  })

  it('acts as the default store for functions that build on it, too', () => {
    const symbols = (cache: object) => Object.getOwnPropertySymbols(cache)
    const first = tieredCache({ l1: memoryCache(), l2: createCache(drizzle(async () => ({ rows: [] }))) })
    const caches = createCacheManager({ default: 'first', stores: { first } })
    expect(symbols(first).map(String)).toContain('Symbol(pgstash.engine)')
    for (const symbol of symbols(first)) expect(Reflect.get(caches, symbol)).toBe(Reflect.get(first, symbol))
  })

  it('can be extended, but not changed', async () => {
    const caches = create()
    const added = memoryCache()
    caches.extend('added', added)
    expect(caches.store('added')).toBe(added)
    for (const [name, cache] of [
      ['first', added],
      ['', added],
      ['other', {}],
      ['other', undefined],
    ] as [string, typeof added][]) {
      expect(() => caches.extend(name, cache)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    }
  })

  it('names the existing stores if asked for an unknown one', () => {
    const caches = create()
    for (const name of ['third', '__proto__', 'toString', undefined] as string[]) {
      expect(() => caches.store(name)).toThrow(
        'Expected one of the stores first, second, off. Call extend() to add another.',
      )
    }
    expect(() => createCacheManager({ default: 'x' as 'a', stores: { a: nullCache() } })).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_STORE' }),
    )
    expect(() => createCacheManager({ default: 'a', stores: { a: {} as ReturnType<typeof nullCache> } })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })

  it('calls the methods of a class on their object', async () => {
    class Own {
      value = 5
      async get() {
        return this.value
      }
    }
    const cache = Object.assign(Object.create(Object.assign(new Own(), nullCache(), { get: Own.prototype.get })), {})
    expect(await createCacheManager({ default: 'own', stores: { own: cache } }).get('key')).toBe(5)
  })

  it('accepts metrics like any cache', async () => {
    const caches = withMetrics(create())
    await caches.get('missing')
    await caches.getOrSet('key', 1)
    await caches.get('key')
    expect(caches.metrics()).toMatchObject({ hits: 1, misses: 2 })
  })
})

describe('the default cache', () => {
  it('is a memory cache created on first use, until another is set', async () => {
    const first = getDefaultCache()
    expect(getDefaultCache()).toBe(first)
    await first.set('key', 1)
    expect(await first.get('key')).toBe(1)
    const own = memoryCache()
    setDefaultCache(own)
    expect(getDefaultCache()).toBe(own)
    expect(() => setDefaultCache({} as typeof own)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(getDefaultCache()).toBe(own)
  })
})
