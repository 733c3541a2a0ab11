import type { Suite } from './suite.ts'

export function counters({ describe, test, expect, rejectsWith, store }: Suite): void {
  describe('counters', () => {
    test('start from 0 if the entry is missing, null or expired', async (cache) => {
      expect(await cache.increment('new')).toBe(1)
      expect(await cache.increment('new', 5)).toBe(6)
      expect(await cache.decrement('new', 2)).toBe(4)
      expect(await cache.decrement('below')).toBe(-1)
      await cache.set('null', null)
      expect(await cache.increment('null')).toBe(1)
      await cache.set('expired', 100, { expiration: 60 })
      await store.advance(60_000)
      expect(await cache.increment('expired')).toBe(1)
    })

    test('share their value with get and set', async (cache) => {
      await cache.set('set', 40)
      expect(await cache.increment('set', 2)).toBe(42)
      await cache.increment('counter', 7)
      expect(await cache.get('counter')).toBe(7)
    })

    test('are exact in decimals', async (cache) => {
      await cache.increment('key', 0.1)
      expect(await cache.increment('key', 0.2)).toBe(0.3)
      expect(await cache.decrement('key', 0.3)).toBe(0)
    })

    test('lose no concurrent increment', async (cache) => {
      const sums = await Promise.all(Array.from({ length: 50 }, () => cache.increment('key')))
      expect(new Set(sums).size).toBe(50)
      expect(await cache.get('key')).toBe(50)
    })

    test('keep their deadline, which makes a fixed window', async (cache) => {
      await cache.increment('key', 1, { expiration: 60 })
      await store.advance(40_000)
      expect(await cache.increment('key', 1, { expiration: 60 })).toBe(2)
      await store.advance(20_000)
      expect(await cache.increment('key', 1, { expiration: 60 })).toBe(1)
      await cache.increment('permanent')
      await cache.increment('permanent', 1, { expiration: 60 })
      expect(await cache.expiration('permanent')).toBe(null)
    })

    test('extend their deadline with `sliding`', async (cache) => {
      await cache.increment('key', 1, { expiration: 60, sliding: true })
      await store.advance(40_000)
      expect(await cache.increment('key', 1, { expiration: 60, sliding: true })).toBe(2)
      await store.advance(40_000)
      expect(await cache.increment('key', 1, { expiration: 60, sliding: true })).toBe(3)
      await cache.increment('permanent')
      await cache.increment('permanent', 1, { expiration: 60, sliding: true })
      expect((await cache.expiration('permanent')) instanceof Date).toBe(true)
    })

    test('keep their tags when they count', async (cache) => {
      await cache.set('key', 1, { tags: ['x'] })
      expect(await cache.increment('key')).toBe(2)
      expect(await cache.limit('key', { limit: 9, period: 60 })).toMatchObject({ count: 3 })
      await cache.invalidate('x')
      expect(await cache.get('key')).toBe(undefined)
    })

    test('take the given expiration if the stored value is null', async (cache) => {
      await cache.set('null', null)
      await cache.increment('null', 1, { expiration: 60 })
      expect((await cache.expiration('null')) instanceof Date).toBe(true)
    })

    test('refuse a value that is not a number, and leave it unchanged', async (cache) => {
      for (const value of ['5', { n: 1 }, true, []]) {
        await cache.set('key', value, { expiration: '1h' })
        const deadline = await cache.expiration('key')
        await rejectsWith(cache.increment('key'), 'NOT_A_NUMBER')
        await rejectsWith(cache.decrement('key', 1, { expiration: 60, sliding: true }), 'NOT_A_NUMBER')
        await rejectsWith(cache.limit('key', { limit: 1, period: 60 }), 'NOT_A_NUMBER')
        expect(await cache.get('key')).toEqual(value)
        expect(await cache.expiration('key')).toEqual(deadline)
      }
    })

    test('start from 0 over an expired value of another type', async (cache) => {
      await cache.set('key', 'text', { expiration: 60 })
      await store.advance(60_000)
      expect(await cache.increment('key')).toBe(1)
      expect(await cache.get('key')).toBe(1)
    })

    test('refuse to leave the safe integers, and stay unchanged', async (cache) => {
      const max = Number.MAX_SAFE_INTEGER
      expect(await cache.increment('key', max)).toBe(max)
      await rejectsWith(cache.increment('key'), 'COUNTER_RANGE')
      expect(await cache.get('key')).toBe(max)
      expect(await cache.decrement('key', max)).toBe(0)
      await rejectsWith(cache.decrement('new', 2 ** 53), 'COUNTER_RANGE')
      expect(await cache.has('new')).toBe(false)
      await cache.set('huge', 1e300)
      await rejectsWith(cache.increment('huge'), 'COUNTER_RANGE')
      expect(await cache.get('huge')).toBe(1e300)
    })

    test('refuse a delta that is not a finite number', async (cache) => {
      await cache.set('key', 1)
      for (const delta of [Number.NaN, Number.POSITIVE_INFINITY, '1', null, 1n, {}] as number[]) {
        await rejectsWith(cache.increment('key', delta), 'INVALID_DELTA')
        await rejectsWith(cache.decrement('key', delta), 'INVALID_DELTA')
      }
      expect(await cache.get('key')).toBe(1)
    })
  })

  describe('limit', () => {
    test('allows the limit per window, and reports when the next window begins', async (cache) => {
      const rule = { limit: 2, period: '1m' as const }
      const first = await cache.limit('key', rule)
      expect(first).toMatchObject({ allowed: true, count: 1, remaining: 1 })
      await store.advance(30_000)
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: true, count: 2, remaining: 0 })
      const denied = await cache.limit('key', rule)
      expect(denied).toMatchObject({ allowed: false, count: 3, remaining: 0 })
      // It is the same window. A store under test lets time pass by moving its deadlines or its clock.
      expect([0, 30_000].includes(Number(first.resetAt) - Number(denied.resetAt))).toBe(true)
      expect(Number.isInteger(first.resetMs) && first.resetMs > 50_000 && first.resetMs <= 60_000).toBe(true)
      expect(denied.resetMs > 20_000 && denied.resetMs <= 30_000).toBe(true)
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: false, count: 3, remaining: 0 })
      await store.advance(30_000)
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: true, count: 1, remaining: 1 })
    })

    test('allows exactly the limit of concurrent calls', async (cache) => {
      const calls = Array.from({ length: 30 }, () => cache.limit('key', { limit: 7, period: 60 }))
      expect((await Promise.all(calls)).filter(({ allowed }) => allowed).length).toBe(7)
    })

    test('refuses every call with a limit of 0', async (cache) => {
      expect(await cache.limit('key', { limit: 0, period: 60 })).toMatchObject({
        allowed: false,
        count: 1,
        remaining: 0,
      })
    })

    test('counts from 0 over a negative number, and rounds a fraction down', async (cache) => {
      await cache.set('below', -5)
      expect(await cache.limit('below', { limit: 2, period: 60 })).toMatchObject({
        allowed: true,
        count: 1,
        remaining: 1,
      })
      await cache.set('fraction', 1.5)
      expect(await cache.limit('fraction', { limit: 2, period: 60 })).toMatchObject({ count: 2, remaining: 0 })
    })

    test('refuses a limit that is not a non-negative integer', async (cache) => {
      for (const limit of [-1, 1.5, Number.NaN, '5', undefined] as number[]) {
        await rejectsWith(cache.limit('key', { limit, period: 60 }), 'INVALID_OPTION')
      }
    })
  })
}
