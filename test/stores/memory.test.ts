import { type CacheEvent, type CacheSnapshot, memoryCache } from 'pgstash'
import { describe, expect, it } from 'vitest'
import { pause, times } from '../fill/clients.ts'

const keysOf = async (cache: ReturnType<typeof memoryCache>) =>
  (await cache.list({ limit: 1_000 })).entries.map(({ key }) => key)

describe('the bounds of a memory cache', () => {
  it('evict the entry that was least recently read or written', async () => {
    const cache = memoryCache({ maxEntries: 3 })
    for (const key of ['a', 'b', 'c']) await cache.set(key, 1)
    await cache.get('a')
    await cache.has('b')
    await cache.expiration('b')
    await cache.set('d', 1)
    expect(await keysOf(cache)).toEqual(['a', 'c', 'd'])
  })

  it('count the bytes of keys, values and tags in UTF-8', async () => {
    const cache = memoryCache({ maxBytes: 99 })
    await cache.set('a', 'é'.repeat(20))
    await cache.set('b', 'x'.repeat(40), { tags: ['t'.repeat(10)] })
    expect(await keysOf(cache)).toEqual(['a', 'b'])
    await cache.set('c', 'x')
    expect(await keysOf(cache)).toEqual(['b', 'c'])
  })

  it('reject an entry larger than the bound, and delete the entry that it would replace', async () => {
    const cache = memoryCache({ maxBytes: 100 })
    await cache.set('key', 'older')
    await cache.set('key', 'x'.repeat(100))
    expect(await cache.get('key')).toBeUndefined()
    expect(await cache.getOrSet('key', 'y'.repeat(100))).toBe('y'.repeat(100))
    expect(await cache.count()).toBe(0)
  })

  it('apply to counters and fills as well', async () => {
    const cache = memoryCache({ maxEntries: 5 })
    for (let i = 0; i < 20; i++) await cache.increment(`counter ${i}`)
    for (let i = 0; i < 20; i++) await cache.getOrSet(`fill ${i}`, i)
    expect(await cache.count()).toBe(5)
  })

  it('refuse invalid limits', () => {
    for (const options of [
      { maxEntries: 0 },
      { maxEntries: Number.POSITIVE_INFINITY },
      { maxEntries: 2 ** 25 },
      { maxBytes: 0 },
      { maxBytes: 1.5 },
      { now: 5 },
      { max: 5 },
      { tables: {} },
    ] as object[]) {
      expect(() => memoryCache(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    }
  })
})

describe('an evicted entry of a memory cache', () => {
  it('still prevents storing fills that a later write overtook', async () => {
    const cache = memoryCache({ maxEntries: 2 })
    const computed = await cache.getOrSet('key', async () => {
      await cache.set('key', 'written')
      for (const key of ['a', 'b', 'c']) await cache.set(key, 1)
      return 'computed'
    })
    expect([computed, await cache.get('key')]).toEqual(['computed', undefined])
  })

  it('does not come back with an invalidated tag', async () => {
    const cache = memoryCache({ maxEntries: 2 })
    const asOf = await cache.snapshot()
    await cache.set('key', 'old', { tags: ['tag'] })
    await cache.invalidate('tag')
    for (const key of ['a', 'b']) await cache.set(key, 1)
    await cache.set('key', 'late', { tags: ['tag'], asOf })
    expect(await cache.get('key')).toBeUndefined()
  })
})

describe('the clock of a memory cache', () => {
  it('expires an entry at the exact instant of its deadline', async () => {
    let now = 1_000_000
    const cache = memoryCache({ now: () => now })
    await cache.set('span', 1, { expiration: 60 })
    await cache.set('instant', 1, { expiration: new Date(1_060_000) })
    now += 59_999
    expect([await cache.has('span'), await cache.has('instant')]).toEqual([true, true])
    now += 1
    expect([await cache.has('span'), await cache.has('instant')]).toEqual([false, false])
    expect(await cache.stats()).toMatchObject({ total: 2, expired: 2 })
  })
})

describe('tags in a memory cache', () => {
  it('are exact, whatever number of them was invalidated', async () => {
    const cache = memoryCache()
    const early = await cache.snapshot()
    await cache.set('kept', 1, { tags: ['kept'] })
    await cache.set('gone', 1, { tags: ['tag 7'] })
    for (let i = 0; i < 25_000; i += 100) await cache.invalidate(times(100, (j) => `tag ${i + j}`))
    expect([await cache.has('kept'), await cache.has('gone')]).toEqual([true, false])
    await cache.set('new', 1, { tags: ['tag 7'] })
    expect(await cache.has('new')).toBe(true)
    await cache.set('late', 1, { tags: ['tag 7'], asOf: early })
    expect(await cache.has('late')).toBe(false)
    await cache.invalidate('kept')
    expect(await cache.has('kept')).toBe(false)
  })

  it('treat a snapshot of another storage as older than everything', async () => {
    const cache = memoryCache()
    for (const asOf of [await memoryCache().snapshot(), '900:900:' as CacheSnapshot, '1:1:' as CacheSnapshot]) {
      await cache.set('tagged', 1, { tags: ['tag'], asOf })
      await cache.set('untagged', 1, { asOf })
      expect([await cache.has('tagged'), await cache.has('untagged')]).toEqual([false, true])
    }
  })

  it('let cleanup delete invalidated entries', async () => {
    const cache = memoryCache()
    await cache.set('key', 1, { tags: ['tag'] })
    await cache.invalidate('tag')
    expect(await cache.clearExpired()).toEqual({ removed: 1, more: false })
    expect(await cache.stats()).toMatchObject({ total: 0 })
  })
})

describe('a memory cache', () => {
  it('gives each reader its own copy of the value, of any type and however often', async () => {
    const cache = memoryCache()
    const flat = JSON.parse('{"a":1,"__proto__":2,"text":"x"}') as Record<string, unknown>
    const values: unknown[] = [
      flat,
      { deep: { list: [1] } },
      [1, 'two', null],
      [[1]],
      'text',
      true,
      { long: 'x'.repeat(999) },
    ]
    for (const value of values) {
      await cache.set('key', value)
      for (let i = 0; i < 3; i++) {
        const found = await cache.get('key')
        expect(JSON.stringify(found)).toBe(JSON.stringify(value))
        if (Array.isArray(found)) found.push('changed')
        else if (typeof found === 'object') {
          Object.assign(found as object, { a: 'changed' })
          for (const inner of Object.values(found as object)) if (typeof inner === 'object') inner.changed = true
        }
      }
    }
    await cache.set('key', flat)
    await cache.get('key')
    await cache.set('key', { a: 2 })
    expect(await cache.get('key')).toEqual({ a: 2 })
  })

  it('computes once for many concurrent callers', async () => {
    const cache = memoryCache()
    let computed = 0
    const compute = () => pause(10).then(() => ++computed)
    expect(await Promise.all(times(50, () => cache.getOrSet('key', compute)))).toEqual(times(50, () => 1))
  })

  it('emits its events, with keys if asked to', async () => {
    const events: CacheEvent[] = []
    const cache = memoryCache({ onEvent: (event) => events.push(event), eventKeys: true })
    await cache.get('a')
    await cache.set('a', 'text')
    await cache.get('a')
    await cache.getMany(['a', 'b'])
    await cache.increment('a').catch(() => {})
    await cache.delete('a')
    await cache.invalidate(['x', 'y'])
    expect(events.map(({ type, operation, key }) => [type, operation, key].filter(Boolean).join(' '))).toEqual([
      'miss get a',
      'write set a',
      'hit get a',
      'hit getMany',
      'miss getMany',
      'error increment a',
      'delete delete a',
      'invalidate invalidate',
    ])
    expect(events.every(({ roundTrips, bytes }) => roundTrips === 0 && bytes === 0)).toBe(true)
  })

  it('refuses a value that another codec wrote, like other caches', async () => {
    let isOdd = false
    const cache = memoryCache({
      codec: { encode: (value) => (isOdd ? 'no JSON' : JSON.stringify(value)), decode: (text) => JSON.parse(text) },
    })
    isOdd = true
    await cache.set('key', 'value')
    await expect(cache.get('key')).rejects.toMatchObject({ code: 'UNREADABLE_VALUE' })
    isOdd = false
    expect(await cache.getOrSet('key', () => 'anew')).toBe('anew')
  })
})
