import Keyv5 from 'keyv'
import { type Cache, CacheError, createCache, memoryCache, tieredCache } from 'pgstash'
import { keyvStore } from 'pgstash/keyv'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { cost, createMigratedStash, emptied } from '../rate-limit/limits.ts'
import { eventually } from '../setup/eventually.ts'
import { advance } from '../setup/postgres-store.ts'
import { createKeyv5, createKeyv6, deadline, entries, type Stash, storedKeys } from './keyvs.ts'

let stash: Stash
let cache: Cache
let faults: Faults

beforeAll(async () => {
  stash = await createMigratedStash()
  ;({ cache, faults } = stash)
})

beforeEach(() => emptied(stash))

describe.each([
  ['Keyv 5', createKeyv5],
  ['Keyv 6', createKeyv6],
])('%s', (name, createKeyv) => {
  it('keeps the entries of two namespaces apart, each with its own store', async () => {
    const [a, b] = [createKeyv(cache, { namespace: 'a' }), createKeyv(cache, { namespace: 'b' })]
    await a.set('k', 'of a')
    await b.set('k', 'of b')
    expect([await a.get('k'), await b.get('k')]).toEqual(['of a', 'of b'])
    expect(await entries(a)).toEqual([['k', 'of a']])
    expect((await storedKeys(cache)).sort()).toEqual(['a|k', 'b|k'])
    await a.clear()
    expect([await a.get('k'), await b.get('k')]).toEqual([undefined, 'of b'])
  })

  it.each([
    ['a_b', 'axb'],
    ['a%', 'ab'],
    ['%', 'x'],
    ['a\\b', 'ab'],
    ['users', 'users:archive'],
    ['a|b', 'a'],
  ])('clears and iterates the namespace %s without touching %s', async (own, other) => {
    const [a, b] = [createKeyv(cache, { namespace: own }), createKeyv(cache, { namespace: other })]
    await a.setMany([
      { key: 'one', value: 1 },
      { key: 'archive:one', value: 2 },
    ])
    await b.set('one', 3)
    if (!(name === 'Keyv 5' && own.includes(':'))) expect(await entries(a)).toHaveLength(2)
    await a.clear()
    expect(await a.getMany(['one', 'archive:one'])).toEqual([undefined, undefined])
    expect(await b.get('one')).toBe(3)
  })

  it('does not touch namespaced entries when a Keyv without a namespace is cleared', async () => {
    const [bare, named] = [createKeyv(cache, { namespace: undefined }), createKeyv(cache, { namespace: 'a' })]
    await bare.set('k', 1)
    await named.set('k', 2)
    expect(await entries(bare)).toEqual([['k', 1]])
    await bare.clear()
    expect([await bare.get('k'), await named.get('k')]).toEqual([undefined, 2])
  })

  it('leaves the other entries of the cache alone', async () => {
    await cache.set('own', 1)
    const keyv = createKeyv(cache)
    await keyv.set('k', 1)
    await keyv.clear()
    expect(await storedKeys(cache)).toEqual(['own'])
  })

  it('returns undefined for a miss, also in lists', async () => {
    const keyv = createKeyv(cache)
    await keyv.set('there', 1)
    expect(await keyv.get('none')).toBeUndefined()
    expect(await keyv.getMany(['none', 'there', 'none'])).toEqual([undefined, 1, undefined])
    expect(await keyv.hasMany(['none', 'there'])).toEqual([false, true])
  })

  it('stores a null value as a hit', async () => {
    const keyv = createKeyv(cache)
    await keyv.set('k', null)
    expect(await keyv.get('k')).toBeNull()
  })

  it('counts the time to live in milliseconds, by the clock of the database', async () => {
    const keyv = createKeyv(cache, { namespace: 'a' })
    await keyv.set('k', 1, 90_000)
    const expiresAt = await deadline(cache, 'a', 'k')
    const left = Number(expiresAt) - Date.now()
    expect(left).toBeGreaterThan(30_000)
    expect(left).toBeLessThan(91_000)
    await advance(stash.db, 91_000)
    expect(await cache.namespace('a').has('k')).toBe(false)
  })

  it.each([-300_000, 300_000])('gives entries their whole life on a machine whose clock is %d ms off', async (off) => {
    const keyv = createKeyv(cache, { namespace: 'a' })
    const real = Date.now
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => real() + off)
    await keyv.set('k', 1, 60_000)
    await keyv.setMany([{ key: 'many', value: 2, ttl: 60_000 }])
    expect(await keyv.getMany(['k', 'many'])).toEqual([1, 2])
    clock.mockRestore()
    for (const key of ['k', 'many']) {
      const left = Number(await deadline(cache, 'a', key)) - Date.now()
      expect(left).toBeGreaterThan(1_000)
      expect(left).toBeLessThan(61_000)
    }
  })

  it.each([0, undefined])('never expires entries with a time to live of %s', async (ttl) => {
    const keyv = createKeyv(cache, { namespace: 'a' })
    await keyv.set('k', 1, ttl)
    expect(await deadline(cache, 'a', 'k')).toBeNull()
  })

  it.each([Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER])('treats a time to live of %d as never', async (ttl) => {
    const keyv = createKeyv(cache, { namespace: 'a' })
    expect(await keyv.set('k', 1, ttl)).toBe(true)
    expect(await deadline(cache, 'a', 'k')).toBeNull()
  })

  it('gives entries without a time to live the default expiration of the cache', async () => {
    const own = createCache(stash.db, { expiration: '1h', timeout: 60_000 })
    const keyv = createKeyv(cache, { namespace: 'a', store: keyvStore(own) })
    await keyv.set('k', 1)
    expect(await deadline(cache, 'a', 'k')).toBeInstanceOf(Date)
  })

  it('stores many entries in one round trip, the last of each key', async () => {
    const keyv = createKeyv(cache)
    const many = Array.from({ length: 50 }, (_, i) => ({ key: `k${i}`, value: i, ttl: 60_000 }))
    faults.reset()
    expect(await keyv.setMany([{ key: 'k7', value: 'old', ttl: 9_000 }, ...many])).toEqual(Array(51).fill(true))
    expect(cost(faults)).toEqual({ requests: 1, statements: 1 })
    expect(await keyv.getMany(['k0', 'k7', 'k49'])).toEqual([0, 7, 49])
  })

  it('stores entries with different times to live, each with its own', async () => {
    const keyv = createKeyv(cache, { namespace: 'a' })
    faults.reset()
    await keyv.setMany([
      { key: 'minute', value: 1, ttl: 60_000 },
      { key: 'hour', value: 2, ttl: 3_600_000 },
      { key: 'ever', value: 3 },
    ])
    expect(cost(faults)).toEqual({ requests: 3, statements: 3 })
    const [minute, hour, ever] = [
      await deadline(cache, 'a', 'minute'),
      await deadline(cache, 'a', 'hour'),
      await deadline(cache, 'a', 'ever'),
    ]
    expect(Number(hour) - Number(minute)).toBeGreaterThan(3_000_000)
    expect(ever).toBeNull()
  })

  it('costs one round trip for each other operation', async () => {
    const keyv = createKeyv(cache)
    await keyv.set('k', 1)
    const calls = [
      () => keyv.set('k', 2, 60_000),
      () => keyv.get('k'),
      () => keyv.get('none'),
      () => keyv.getMany(['k', 'none']),
      () => keyv.has('k'),
      () => keyv.hasMany(['k', 'none']),
      () => keyv.delete('k'),
      () => keyv.clear(),
    ]
    for (const call of calls) {
      faults.reset()
      await call()
      expect(cost(faults), String(call)).toEqual({ requests: 1, statements: 1 })
    }
  })

  it('sends nothing while it is constructed, and nothing for empty lists', async () => {
    faults.reset()
    const keyv = createKeyv(cache, { namespace: 'a' })
    expect(await keyv.getMany([])).toEqual([])
    await keyv.setMany([])
    await keyv.deleteMany([])
    expect(faults.requests).toBe(0)
  })

  it('returns whether a deleted key existed', async () => {
    const keyv = createKeyv(cache)
    await keyv.set('k', 1)
    expect([await keyv.delete('k'), await keyv.delete('k')]).toEqual([true, false])
  })

  it('emits failures, reports that nothing was written, and works again afterwards', async () => {
    const keyv = createKeyv(cache)
    const errors: Error[] = []
    keyv.on('error', (error) => errors.push(error))
    await keyv.set('k', 1)
    faults.always({ kind: 'error', status: 503 })
    expect(await keyv.set('k', 2)).toBe(false)
    expect(await keyv.get('k')).toBeUndefined()
    expect(await keyv.delete('k')).toBe(false)
    expect(await keyv.setMany([{ key: 'k', value: 3 }])).toEqual([false])
    await keyv.clear()
    expect(errors).toHaveLength(5)
    expect(errors.every((error) => error instanceof CacheError)).toBe(true)
    faults.heal()
    expect(await keyv.get('k')).toBe(1)
  })

  it('returns a miss within the timeout if the database never answers', async () => {
    const impatient = createCache(stash.db, { timeout: 300 })
    const keyv = createKeyv(cache, { store: keyvStore(impatient) })
    keyv.on('error', () => {})
    await createKeyv(cache).set('k', 1)
    faults.always({ kind: 'hang' })
    expect(await keyv.get('k')).toBeUndefined()
    faults.heal()
    await eventually(async () => expect(await keyv.get('k')).toBe(1))
  })

  it('does not delete another process’s fresh value when it finds an expired one', async () => {
    const keyv = createKeyv(cache, { namespace: 'a' })
    await keyv.set('k', 'old', 60_000)
    await advance(stash.db, 61_000)
    faults.reset()
    expect(await keyv.get('k')).toBeUndefined()
    // The database reports it as expired, so Keyv has nothing to delete.
    expect(cost(faults)).toEqual({ requests: 1, statements: 1 })
    expect(await storedKeys(cache)).toEqual(['a|k'])
  })

  it.each(['k'.repeat(600), 'ключ', '🔑', 'a|b', 'a\\b', "'", '__proto__', 'x:y:z', ' '])(
    'stores and finds the key %j',
    async (key) => {
      const keyv = createKeyv(cache, { namespace: 'a' })
      await keyv.set(key, 1)
      expect([await keyv.get(key), await keyv.has(key)]).toEqual([1, true])
      expect([await keyv.getMany([key]), await keyv.hasMany([key])]).toEqual([[1], [true]])
      expect(await keyv.delete(key)).toBe(true)
    },
  )

  it('iterates over more entries than a page holds, while others are deleted and added', async () => {
    const keyv = createKeyv(cache, { namespace: 'a' })
    const key = (i: number) => `k${String(i).padStart(4, '0')}`
    await keyv.setMany(Array.from({ length: 250 }, (_, i) => ({ key: key(i), value: i })))
    const seen: unknown[] = []
    for await (const entry of keyv.iterator?.() ?? []) {
      const [found, value] = entry as [string, number]
      expect(found).toBe(key(value))
      // Offsets would skip as many of the remaining entries.
      if (seen.length === 0) await keyv.deleteMany([0, 1, 2, 3].map(key))
      if (seen.length === 50) await keyv.set('k0000a', 'added before the present place')
      seen.push(value)
    }
    expect(seen.filter((value) => Number(value) >= 100)).toEqual(Array.from({ length: 150 }, (_, i) => i + 100))
    expect(new Set(seen).size).toBe(seen.length)
  })

  it('iterates in two round trips a page, without expired entries', async () => {
    const keyv = createKeyv(cache, { namespace: 'a' })
    await keyv.set('gone', 1, 60_000)
    await advance(stash.db, 61_000)
    await keyv.set('k', 1)
    faults.reset()
    expect(await entries(keyv)).toEqual([['k', 1]])
    expect(faults.requests).toBe(2)
  })

  it('refuses a namespace that is too long when it is constructed', () => {
    expect(() => createKeyv(cache, { namespace: 'n'.repeat(129) })).toThrow(
      /^Expected a namespace of at most 128 bytes/,
    )
  })

  it('follows a change of the namespace', async () => {
    const keyv = createKeyv(cache, { namespace: 'a' })
    await keyv.set('k', 'in a')
    keyv.namespace = 'b'
    expect(await keyv.get('k')).toBeUndefined()
    await keyv.set('k', 'in b')
    await keyv.clear()
    keyv.namespace = 'a'
    expect(await keyv.get('k')).toBe('in a')
  })

  it('keeps values as objects if Keyv does not serialize them', async () => {
    const keyv = createKeyv(cache, { serialize: undefined, deserialize: undefined, serialization: false })
    await keyv.set('k', { a: [1, 'two'] }, 60_000)
    expect(await keyv.get('k')).toEqual({ a: [1, 'two'] })
    expect(await cache.namespace('keyv').get('k')).toMatchObject({ value: { a: [1, 'two'] } })
    const errors: Error[] = []
    keyv.on('error', (error) => errors.push(error))
    expect(await keyv.set('k', new Uint8Array([1]))).toBe(false)
    expect(errors).toMatchObject([{ code: 'UNSERIALIZABLE_VALUE' }])
  })

  it('keeps bytes, which Keyv writes as text', async () => {
    const keyv = createKeyv(cache)
    const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i))
    await keyv.set('k', { bytes })
    expect(await keyv.get('k')).toEqual({ bytes })
  })

  it('works over a cache of two tiers', async () => {
    const tiered = tieredCache({ l1: memoryCache(), l2: cache })
    const keyv = createKeyv(cache, { store: keyvStore(tiered) })
    await keyv.set('k', { a: 1 })
    faults.reset()
    expect(await keyv.get('k')).toEqual({ a: 1 })
    expect(faults.requests).toBe(0)
  })
})

describe('keyvStore', () => {
  it('refuses a value that is not a cache', () => {
    expect(() => keyvStore({} as never)).toThrow(/^Expected the argument of keyvStore to be a cache, got an object/)
  })

  it('is not mistaken for Keyv 6 when it is copied or printed', async () => {
    const store = keyvStore(cache)
    expect(JSON.stringify({ ...store })).not.toContain('capabilities')
    const keyv = new Keyv5({ store, namespace: 'a' })
    await keyv.set('k', 1, 60_000)
    expect(await keyv.get('k')).toBe(1)
  })
})
