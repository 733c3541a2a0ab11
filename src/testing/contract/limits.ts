import type { LimitRule } from '../../cache.ts'
import type { Suite } from './suite.ts'

const HOUR_MS = 3_600_000

/**
 * One rule for each algorithm. Each allows ten calls, and five of them are free again after half an hour or an hour.
 */
const RULES: Readonly<Record<string, LimitRule>> = {
  'a fixed window': { limit: 10, period: '1h' },
  'a sliding window': { limit: 10, period: '1h', algorithm: 'sliding-window' },
  'a token bucket': { limit: 10, period: '1h', algorithm: 'token-bucket', refill: 5 },
}

export function limits(suite: Suite): void {
  for (const [name, rule] of Object.entries(RULES)) everyLimit(suite, name, rule)
  slidingWindow(suite)
  tokenBucket(suite)
  rules(suite)
}

function everyLimit({ describe, test, expect, store }: Suite, name: string, rule: LimitRule): void {
  describe(`a limit with ${name}`, () => {
    test('counts nothing for a refused call', async (cache) => {
      const limit = (cost: number) => cache.limit('key', { ...rule, cost })
      expect(await limit(8)).toMatchObject({ allowed: true, count: 8, remaining: 2, retryMs: 0 })
      expect(await limit(5)).toMatchObject({ allowed: false, count: 11, remaining: 2 })
      expect(await limit(2)).toMatchObject({ allowed: true, count: 10, remaining: 0 })
      for (const _ of [1, 2]) expect(await limit(1)).toMatchObject({ allowed: false, count: 11, remaining: 0 })
    })

    test('refuses a cost above the limit, and stores nothing for it', async (cache) => {
      const tooMuch = { ...rule, cost: 11 }
      expect(await cache.limit('key', tooMuch)).toMatchObject({
        ...{ allowed: false, count: 11, remaining: 10, retryMs: Number.POSITIVE_INFINITY },
      })
      expect(await cache.has('key')).toBe(false)
      expect(await cache.limit('key', { ...rule, cost: 4 })).toMatchObject({ allowed: true, remaining: 6 })
      expect(await cache.limit('key', tooMuch)).toMatchObject({ allowed: false, remaining: 6 })
      expect(await cache.limit('key', { ...rule, cost: 6 })).toMatchObject({ allowed: true, remaining: 0 })
    })

    test('reports its state without counting for a cost of 0', async (cache) => {
      const look = { ...rule, cost: 0 }
      expect(await cache.limit('key', look)).toMatchObject({ allowed: true, count: 0, remaining: 10, retryMs: 0 })
      expect(await cache.has('key')).toBe(false)
      await cache.limit('key', { ...rule, cost: 9 })
      for (const _ of [1, 2]) {
        expect(await cache.limit('key', look)).toMatchObject({ allowed: true, count: 9, remaining: 1 })
      }
      await cache.limit('key', rule)
      const spent = await cache.limit('key', look)
      expect(spent).toMatchObject({ allowed: false, count: 10, remaining: 0 })
      expect(spent.retryMs > 0 && Number.isFinite(spent.retryMs)).toBe(true)
    })

    test('gives back no more calls than were counted', async (cache) => {
      const giveBack = (calls: number) => cache.limit('key', { ...rule, cost: -calls })
      expect(await giveBack(3)).toMatchObject({ allowed: true, count: 0, remaining: 10 })
      expect(await cache.has('key')).toBe(false)
      await cache.limit('key', { ...rule, cost: 6 })
      expect(await giveBack(2)).toMatchObject({ allowed: true, count: 4, remaining: 6 })
      expect(await giveBack(9)).toMatchObject({ allowed: true, count: 0, remaining: 10 })
      expect(await cache.limit('key', { ...rule, cost: 10 })).toMatchObject({ allowed: true, remaining: 0 })
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: false })
      expect(await giveBack(1)).toMatchObject({ allowed: true, remaining: 1 })
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: true, remaining: 0 })
    })

    test('allows exactly the limit of concurrent calls', async (cache) => {
      const calls = Array.from({ length: 30 }, (_, i) => cache.limit('key', { ...rule, cost: 1 + (i % 2) }))
      const results = await Promise.all(calls)
      const spent = results.reduce((sum, { allowed }, i) => sum + (allowed ? 1 + (i % 2) : 0), 0)
      // After a call that costs 2 is refused, a call that costs 1 may still be allowed, so all ten are spent.
      expect(spent).toBe(10)
      for (const { remaining } of results) expect(remaining >= 0).toBe(true)
    })

    test('reports 0 remaining calls after the limit was lowered', async (cache) => {
      await cache.limit('key', { ...rule, cost: 10 })
      const smaller = { ...rule, limit: 4, ...(rule.refill === undefined ? {} : { refill: 2 }) }
      expect(await cache.limit('key', smaller)).toMatchObject({ allowed: false, count: 5, remaining: 0 })
      expect(await cache.limit('key', { ...smaller, cost: 0 })).toMatchObject({ allowed: false, remaining: 0 })
    })

    test('reports when the refused call will succeed', async (cache) => {
      await cache.limit('key', { ...rule, cost: 10 })
      const { allowed, retryMs } = await cache.limit('key', { ...rule, cost: 3 })
      expect(allowed).toBe(false)
      expect(Number.isInteger(retryMs) && retryMs > 0 && retryMs <= 2 * HOUR_MS).toBe(true)
      await store.advance(retryMs - HOUR_MS / 20)
      expect((await cache.limit('key', { ...rule, cost: 3 })).allowed).toBe(false)
      await store.advance(HOUR_MS / 20)
      expect((await cache.limit('key', { ...rule, cost: 3 })).allowed).toBe(true)
    })

    test('allows the full limit again once all counted calls have expired', async (cache) => {
      await cache.limit('key', { ...rule, cost: 10 })
      await store.advance(2 * HOUR_MS)
      expect(await cache.limit('key', { ...rule, cost: 0 })).toMatchObject({ count: 0, remaining: 10 })
      expect(await cache.limit('key', { ...rule, cost: 10 })).toMatchObject({ allowed: true, remaining: 0 })
    })

    test('starts again after its key is deleted', async (cache) => {
      await cache.limit('key', { ...rule, cost: 10 })
      expect(await cache.delete('key')).toBe(true)
      expect(await cache.limit('key', { ...rule, cost: 10 })).toMatchObject({ allowed: true, count: 10 })
    })

    test('refuses a key whose value is not a number', async (cache) => {
      await cache.set('key', 'text')
      for (const cost of [-1, 0, 1, 11]) {
        await expect(cache.limit('key', { ...rule, cost })).rejects.toMatchObject({ code: 'NOT_A_NUMBER' })
      }
      expect(await cache.get('key')).toBe('text')
    })

    test('reads a counter that another algorithm wrote', async (cache) => {
      for (const other of Object.values(RULES)) {
        await cache.limit('key', { ...other, cost: 4 })
        const { remaining } = await cache.limit('key', { ...rule, cost: 0 })
        expect(remaining >= 0 && remaining <= 10).toBe(true)
      }
    })
  })
}

function slidingWindow({ describe, test, expect, store }: Suite): void {
  const rule: LimitRule = { limit: 10, period: '1h', algorithm: 'sliding-window' }

  describe('a sliding window', () => {
    test('weights the previous window by its overlap with the period', async (cache) => {
      await cache.limit('key', { ...rule, cost: 8 })
      // A third of the next window has passed: 8 × 2/3 = 5.3 calls count.
      await store.advance(HOUR_MS + HOUR_MS / 3)
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: true, count: 6, remaining: 4 })
      expect(await cache.limit('key', { ...rule, cost: 5 })).toMatchObject({ allowed: false, remaining: 4 })
      // Two thirds have passed: 8 × 1/3 = 2.7 calls count, plus the one in this window.
      await store.advance(HOUR_MS / 3)
      expect(await cache.limit('key', { ...rule, cost: 0 })).toMatchObject({ count: 3, remaining: 7 })
    })

    test('does not allow twice the limit around the end of a window', async (cache) => {
      await cache.limit('key', rule)
      await store.advance(HOUR_MS * 0.95)
      await cache.limit('key', { ...rule, cost: 9 })
      await store.advance(HOUR_MS * 0.1)
      // 10 × 0.95 = 9.5 calls still count.
      expect(await cache.limit('key', { ...rule, cost: 2 })).toMatchObject({ allowed: false, remaining: 1 })
    })

    test('frees calls before the window ends', async (cache) => {
      await cache.limit('key', { ...rule, cost: 10 })
      await store.advance(HOUR_MS * 1.25)
      const { remaining, resetMs } = await cache.limit('key', { ...rule, cost: 0 })
      expect(remaining).toBe(3)
      expect(resetMs > HOUR_MS * 0.7 && resetMs <= HOUR_MS * 0.75).toBe(true)
    })

    test('allows one call per period with a limit of 1', async (cache) => {
      const one: LimitRule = { ...rule, limit: 1 }
      const allowedAfter = async (ms: number) => {
        await store.advance(ms)
        return (await cache.limit('key', one)).allowed
      }
      expect(await allowedAfter(0)).toBe(true)
      expect(await allowedAfter(HOUR_MS * 0.9)).toBe(false)
      // This call is late in the next window. The next period starts with it.
      expect(await allowedAfter(HOUR_MS)).toBe(true)
      expect(await allowedAfter(HOUR_MS * 0.5)).toBe(false)
      expect(await allowedAfter(HOUR_MS * 0.4)).toBe(false)
      expect(await allowedAfter(HOUR_MS * 0.2)).toBe(true)
    })

    test('gives back calls of the previous window too', async (cache) => {
      await cache.limit('key', { ...rule, cost: 9 })
      await store.advance(HOUR_MS * 1.5)
      await cache.limit('key', rule)
      expect(await cache.limit('key', { ...rule, cost: -7 })).toMatchObject({ count: 1, remaining: 9 })
    })
  })
}

function tokenBucket({ describe, test, expect, store }: Suite): void {
  const rule: LimitRule = { limit: 10, period: '1h', algorithm: 'token-bucket', refill: 2 }
  const look = { ...rule, cost: 0 }

  describe('a token bucket', () => {
    test('refills after whole periods, and keeps the rest of a period', async (cache) => {
      await cache.limit('key', { ...rule, cost: 10 })
      await store.advance(HOUR_MS * 0.75)
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: false, remaining: 0 })
      await store.advance(HOUR_MS * 0.5)
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: true, remaining: 1 })
      // 1.25 plus 0.85 periods contain two whole periods.
      await store.advance(HOUR_MS * 0.85)
      expect(await cache.limit('key', look)).toMatchObject({ remaining: 3 })
    })

    test('refills on time even if it refuses calls in between', async (cache) => {
      await cache.limit('key', { ...rule, cost: 10 })
      for (let part = 0; part < 4; part++) {
        await store.advance(HOUR_MS * 0.22)
        for (const cost of [1, 3]) expect((await cache.limit('key', { ...rule, cost })).allowed).toBe(false)
      }
      await store.advance(HOUR_MS * 0.22)
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: true, remaining: 1 })
    })

    test('expires once it is full', async (cache) => {
      const { resetMs } = await cache.limit('key', { ...rule, cost: 9 })
      expect(resetMs > HOUR_MS * 4.9 && resetMs <= HOUR_MS * 5).toBe(true)
      await store.advance(HOUR_MS * 4.5)
      expect(await cache.limit('key', look)).toMatchObject({ remaining: 9 })
      await store.advance(HOUR_MS * 0.6)
      expect(await cache.has('key')).toBe(false)
      expect(await cache.limit('key', look)).toMatchObject({ remaining: 10 })
    })

    test('never holds more than its limit', async (cache) => {
      await cache.limit('key', rule)
      await store.advance(HOUR_MS * 50)
      expect(await cache.limit('key', look)).toMatchObject({ remaining: 10 })
      expect(await cache.limit('key', { ...rule, cost: 11 })).toMatchObject({ allowed: false, remaining: 10 })
    })

    test('reports the number of refills that a call must wait for', async (cache) => {
      await cache.limit('key', { ...rule, cost: 10 })
      const wait = async (cost: number) => Math.ceil((await cache.limit('key', { ...rule, cost })).retryMs / HOUR_MS)
      expect([await wait(1), await wait(2), await wait(3), await wait(10)]).toEqual([1, 1, 2, 5])
    })
  })
}

function rules({ describe, test, expect, rejectsWith }: Suite): void {
  describe('the rule of a limit', () => {
    test('is checked before the store is called', async (cache) => {
      const fixed = { limit: 1, period: 60 }
      const bucket = { ...fixed, algorithm: 'token-bucket' }
      const wrong: object[] = [
        { ...fixed, algorithm: 'leaky-bucket' },
        { ...fixed, algorithm: 'constructor' },
        { ...fixed, refill: 1 },
        bucket,
        { ...bucket, refill: 0 },
        { ...bucket, refill: 2 },
        { ...bucket, limit: Number.MAX_SAFE_INTEGER - 1, refill: 1, period: '1d' },
        { ...fixed, cost: 1.5 },
        { ...fixed, cost: '1' },
        { ...fixed, cost: null },
        { ...fixed, cost: Number.POSITIVE_INFINITY },
        { ...fixed, blockList: 'yes' },
        { ...fixed, max: 1 },
      ]
      for (const rule of wrong) await rejectsWith(cache.limit('key', rule as LimitRule), 'INVALID_OPTION')
      expect(await cache.has('key')).toBe(false)
    })

    test('can enable a block list, which refuses only calls that would fail', async (cache) => {
      const rule: LimitRule = { limit: 5, period: '1h', blockList: true }
      await cache.limit('key', { ...rule, cost: 3 })
      expect((await cache.limit('key', { ...rule, cost: 5 })).allowed).toBe(false)
      expect(await cache.limit('key', { ...rule, cost: 5 })).toMatchObject({ allowed: false, reason: 'block list' })
      expect((await cache.limit('key', { ...rule, cost: 2 })).allowed).toBe(true)
      expect((await cache.limit('key', rule)).allowed).toBe(false)
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: false, count: 6, reason: 'block list' })
      expect((await cache.limit('key', { ...rule, limit: 7 })).allowed).toBe(true)
      await cache.delete('key')
      expect(await cache.limit('key', rule)).toMatchObject({ allowed: true, count: 1 })
    })
  })
}
