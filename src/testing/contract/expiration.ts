import type { Expiration } from '../../values/expiration.ts'
import type { Suite } from './suite.ts'

const MINUTE_MS = 60_000

/** One minute in every form. */
const MINUTES: Expiration[] = [
  60,
  '60s',
  '1m',
  '60000ms',
  '1.0m',
  { minutes: 1 },
  { seconds: 30, milliseconds: 30_000 },
]

/** Each sets a deadline that is not in the future. */
const PAST: Expiration[] = [
  0,
  -1,
  '0s',
  '-5m',
  { seconds: 0 },
  { minutes: 1, seconds: -60 },
  new Date(0),
  new Date(-8.64e15),
]

const INVALID: unknown[] = [
  true,
  false,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  new Date(Number.NaN),
  {},
  [],
  [60],
  '',
  '60',
  'm',
  '1 m',
  '1w',
  '0x10s',
  'forever',
  { seconds: Number.NaN },
  { seconds: '5' },
  { fortnights: 1 },
  { seconds: undefined },
  1e12,
  new Date(8.64e15),
  '9000000d',
  5n,
  () => 5,
  Symbol('s'),
]

export function expiration({ describe, it, test, expect, rejectsWith, store }: Suite): void {
  describe('expiration', () => {
    test('accepts every form of one minute', async (cache) => {
      // Run one after the other, so that the twenty seconds of tolerance are for one form alone.
      for (const minute of MINUTES) {
        await cache.set('key', 1, { expiration: minute })
        await store.advance(MINUTE_MS - 20_000)
        expect(await cache.has('key')).toBe(true)
        await store.advance(20_000)
        expect(await cache.has('key')).toBe(false)
      }
    })

    test('treats a Date as an absolute instant', async (cache) => {
      const at = new Date(Date.UTC(2999, 11, 31, 23, 59, 59, 123))
      await cache.set('key', 1, { expiration: at })
      expect((await cache.expiration('key'))?.getTime()).toBe(at.getTime())
    })

    test('never expires an entry with null, or without an expiration and a default', async (cache) => {
      await cache.set('null', 1, { expiration: null })
      await cache.set('none', 1)
      await store.advance(10 * 365 * 24 * 60 * MINUTE_MS)
      expect(await cache.expiration('null')).toBe(null)
      expect(await cache.expiration('none')).toBe(null)
      expect(await cache.expiration('absent')).toBe(undefined)
    })

    it('uses the default of the cache for undefined', async () => {
      await store.reset()
      const cache = await store.create({ expiration: '1m' })
      await cache.set('set', 1)
      await cache.setMany({ many: 1 }, { expiration: undefined as unknown as Expiration })
      await cache.add('add', 1)
      await cache.increment('counter')
      await cache.set('touched', 1, { expiration: null })
      await cache.touch('touched')
      await cache.set('never', 1, { expiration: null })
      await store.advance(MINUTE_MS)
      expect([...(await cache.getMany(['set', 'many', 'add', 'counter', 'touched', 'never'])).keys()]).toEqual([
        'never',
      ])
    })

    test('makes the key absent if the deadline is not in the future', async (cache) => {
      for (const past of PAST) {
        await cache.set('set', 'older')
        await cache.set('set', 'newer', { expiration: past })
        expect(await cache.get('set')).toBe(undefined)
        await cache.set('many', 'older')
        await cache.setMany({ many: 'newer' }, { expiration: past })
        expect(await cache.get('many')).toBe(undefined)
        await cache.set('touched', 'older', { expiration: 60 })
        expect(await cache.touch('touched', past)).toBe(true)
        expect(await cache.get('touched')).toBe(undefined)
        expect(await cache.touch('touched', 60)).toBe(false)
        expect(await cache.add('added', 1, { expiration: past })).toBe(true)
        expect(await cache.has('added')).toBe(false)
        expect(await cache.increment('counter', 3, { expiration: past })).toBe(3)
        expect(await cache.has('counter')).toBe(false)
      }
    })

    test('ignores a past deadline if the call sets no deadline', async (cache) => {
      for (const past of PAST) {
        await cache.set('live', 1)
        expect(await cache.add('live', 2, { expiration: past })).toBe(false)
        expect(await cache.increment('live', 1, { expiration: past })).toBe(2)
        expect(await cache.get('live')).toBe(2)
      }
    })

    test('keeps spans exact to the millisecond, and accepts shorter ones', async (cache) => {
      await cache.setMany({ key: 1 }, { expiration: 0.25 })
      await cache.setMany({ long: 1 }, { expiration: 1000.001 })
      await cache.setMany({ short: 1 }, { expiration: 0.0001 })
      // Compare the listed deadlines, because the quarter of a second may be over before a read.
      const { entries } = await cache.list()
      const lifeMs = Object.fromEntries(
        entries.map(({ key, createdAt, expiresAt }) => [key, Number(expiresAt) - Number(createdAt)]),
      )
      // The listed instants are whole milliseconds, but the store may be more precise.
      expect(Math.abs((lifeMs.key ?? 0) - 250)).toBeLessThanOrEqual(1)
      expect(Math.abs((lifeMs.long ?? 0) - 1_000_001)).toBeLessThanOrEqual(1)
      expect(Math.abs(lifeMs.short ?? 9)).toBeLessThanOrEqual(1)
      await store.advance(1_000)
      expect(await cache.expiration('key')).toBe(undefined)
    })

    test('refuses every other value', async (cache) => {
      await cache.set('key', 'older')
      for (const invalid of INVALID as Expiration[]) {
        await rejectsWith(cache.set('key', 1, { expiration: invalid }), 'INVALID_EXPIRATION')
        await rejectsWith(cache.setMany({ key: 1 }, { expiration: invalid }), 'INVALID_EXPIRATION')
        await rejectsWith(cache.add('key', 1, { expiration: invalid }), 'INVALID_EXPIRATION')
        await rejectsWith(cache.touch('key', invalid), 'INVALID_EXPIRATION')
        await rejectsWith(cache.increment('key', 1, { expiration: invalid }), 'INVALID_EXPIRATION')
        await rejectsWith(cache.get('key', { sliding: invalid }), 'INVALID_EXPIRATION')
        await rejectsWith(cache.limit('key', { limit: 1, period: invalid }), 'INVALID_EXPIRATION')
      }
      expect(await cache.get('key')).toBe('older')
    })

    test('refuses a span that is not positive and relative where one is required', async (cache) => {
      for (const invalid of [...PAST, null, new Date(Date.UTC(2999, 1))]) {
        await rejectsWith(cache.get('key', { sliding: invalid }), 'INVALID_EXPIRATION')
        await rejectsWith(cache.limit('key', { limit: 1, period: invalid }), 'INVALID_EXPIRATION')
        await rejectsWith(cache.increment('key', 1, { sliding: true, expiration: invalid }), 'INVALID_EXPIRATION')
      }
      await rejectsWith(cache.increment('key', 1, { sliding: true }), 'INVALID_EXPIRATION')
    })
  })

  describe('sliding get', () => {
    test('extends a deadline to span plus slack once less than the span remains', async (cache) => {
      await cache.set('key', 1, { expiration: 90 })
      const before = await cache.expiration('key')
      expect(await cache.get('key', { sliding: 60 })).toBe(1)
      expect(await cache.expiration('key')).toEqual(before)
      await store.advance(31_000)
      const beforeMove = await cache.expiration('key')
      expect(await cache.get('key', { sliding: 60 })).toBe(1)
      const movedMs = Number(await cache.expiration('key')) - Number(beforeMove)
      expect(movedMs).toBeGreaterThan(14_000)
      expect(movedMs).toBeLessThanOrEqual(30_000)
    })

    test('keeps an entry live while it is read, and expires it afterwards', async (cache) => {
      await cache.set('key', 1, { expiration: 60 })
      for (let i = 0; i < 10; i++) {
        await store.advance(50_000)
        expect(await cache.get('key', { sliding: 60 })).toBe(1)
      }
      await store.advance(59_000)
      expect(await cache.has('key')).toBe(true)
      await store.advance(17_000)
      expect(await cache.has('key')).toBe(false)
      expect(await cache.get('key', { sliding: 60 })).toBe(undefined)
    })

    test('never shortens a lifetime', async (cache) => {
      await cache.set('permanent', 1)
      await cache.set('later', 1, { expiration: '1h' })
      const later = await cache.expiration('later')
      await cache.get('permanent', { sliding: 60 })
      await cache.get('later', { sliding: 60 })
      expect(await cache.expiration('permanent')).toBe(null)
      expect(await cache.expiration('later')).toEqual(later)
    })

    test('accepts spans up to the end of year 9999', async (cache) => {
      await cache.set('key', 1, { expiration: 60 })
      expect(await cache.get('key', { sliding: '2500000d' })).toBe(1)
      expect(Number(await cache.expiration('key'))).toBeGreaterThan(Date.UTC(8000, 1))
    })

    it('extends the deadline on every read without slack', async () => {
      await store.reset()
      const cache = await store.create({ slack: 0 })
      await cache.set('key', 1, { expiration: 60 })
      await store.advance(1_000)
      const before = await cache.expiration('key')
      await cache.get('key', { sliding: 60 })
      expect(Number(await cache.expiration('key'))).toBeGreaterThan(Number(before))
    })
  })
}
