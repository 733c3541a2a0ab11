import { Hono } from 'hono'
import { rateLimiter, type Store } from 'hono-rate-limiter'
import { type Cache, CacheError } from 'pgstash'
import { type RateLimiterStore, type RateLimiterStoreOptions, rateLimiterStore } from 'pgstash/hono'
import { migrate } from 'pgstash/migrate'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { cost, counters, createStash, statuses } from '../../rate-limit/limits.ts'
import { createDatabase } from '../../setup/databases.ts'
import { advance } from '../../setup/postgres-store.ts'

let db: Awaited<ReturnType<typeof createStash>>['db']
let cache: Cache
let faults: Faults

beforeAll(async () => {
  ;({ db, cache, faults } = await createStash(await createDatabase()))
  await migrate(db)
})

beforeEach(async () => {
  faults.heal()
  await cache.clear()
  faults.reset()
})

type Limiter = Partial<Parameters<typeof rateLimiter>[0]>

function limited(options: Limiter = {}, store: Store = rateLimiterStore(cache)) {
  const limiter = rateLimiter({ windowMs: 60_000, limit: 2, keyGenerator: () => 'client', store, ...options } as never)
  return new Hono()
    .use(limiter)
    .get('/', (c) => c.text('welcome'))
    .get('/fails', (c) => c.text('sorry', 500))
}

describe('hono-rate-limiter with the store', () => {
  it('allows as many requests as the limit in each window, over all instances', async () => {
    const [one, two] = [limited(), limited()]
    expect([await statuses(one, 1), await statuses(two, 2), await statuses(one, 1)]).toEqual([[200], [200, 429], [429]])
    await advance(db, 61_000)
    expect(await statuses(one, 3)).toEqual([200, 200, 429])
  })

  it('costs one round trip per request', async () => {
    for (const status of [200, 200, 429]) {
      faults.reset()
      expect(await statuses(limited(), 1)).toEqual([status])
      expect(cost(faults)).toEqual({ requests: 1, statements: 1 })
    }
  })

  it('allows exactly 50 of 200 parallel requests with a limit of 50', async () => {
    const app = limited({ limit: 50 })
    const answers = await Promise.all(Array.from({ length: 200 }, () => app.request('/')))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(50)
  })

  it.each([-86_400_000, 86_400_000])(
    'states the seconds to wait, on a machine whose clock is %d ms off',
    async (off) => {
      const real = Date.now
      const clock = vi.spyOn(Date, 'now').mockImplementation(() => real() + off)
      const app = limited({ limit: 1, standardHeaders: 'draft-7' })
      const [passed, refused] = [await app.request('/'), await app.request('/')]
      clock.mockRestore()
      expect(passed.headers.get('ratelimit')).toMatch(/^limit=1, remaining=0, reset=(?:60|5\d)$/)
      expect(refused.headers.get('retry-after')).toMatch(/^(?:60|5\d)$/)
    },
  )

  it('forgets failed or successful requests if configured to', async () => {
    const failures = limited({ skipFailedRequests: true }, rateLimiterStore(cache, { prefix: 'failures' }))
    expect(await statuses(failures, 4, '/fails')).toEqual([500, 500, 500, 500])
    expect(await statuses(failures, 3)).toEqual([200, 200, 429])
    const successes = limited({ skipSuccessfulRequests: true }, rateLimiterStore(cache, { prefix: 'successes' }))
    expect(await statuses(successes, 4)).toEqual([200, 200, 200, 200])
    expect(await statuses(successes, 3, '/fails')).toEqual([500, 500, 429])
  })

  it('lets handlers read a count and reset it', async () => {
    const app = limited().get('/mine', async (c) => {
      const { getKey, resetKey } = c.get('rateLimitStore' as never) as {
        getKey: Store['get']
        resetKey: Store['resetKey']
      }
      const found = await getKey?.('client')
      await resetKey('client')
      return c.json([found?.totalHits, await getKey?.('client')])
    })
    await statuses(app, 1)
    expect(await (await app.request('/mine')).json()).toEqual([2, null])
    expect(await statuses(app, 2)).toEqual([200, 200])
  })

  it('fails the request if the database fails', async () => {
    faults.always({ kind: 'error', status: 500 })
    const app = limited().onError((error, c) => c.text(error instanceof CacheError ? error.code : '', 503))
    expect(await (await app.request('/')).text()).toBe('DATABASE')
  })
})

describe('the store', () => {
  let store: RateLimiterStore

  beforeEach(() => {
    store = opened()
  })

  function opened(options?: RateLimiterStoreOptions, windowMs = 60_000): RateLimiterStore {
    const made = rateLimiterStore(cache, options)
    made.init({ windowMs })
    return made
  }

  it('counts, and returns the end of the window', async () => {
    const before = Date.now()
    expect(await store.get('a')).toBeUndefined()
    const first = await store.increment('a')
    expect(first.totalHits).toBe(1)
    expect(first.resetTime.getTime()).toBeGreaterThan(before + 59_000)
    expect(first.resetTime.getTime()).toBeLessThanOrEqual(Date.now() + 60_000)
    expect(await store.increment('a')).toMatchObject({ totalHits: 2 })
    expect(await store.get('a')).toEqual({ totalHits: 2, resetTime: expect.any(Date) })
    expect(await store.increment('b')).toMatchObject({ totalHits: 1 })
  })

  it('decrements without moving the deadline', async () => {
    await store.increment('a')
    await store.increment('a')
    const before = await store.get('a')
    await store.decrement('a')
    expect(await store.get('a')).toEqual({ totalHits: 1, resetTime: before?.resetTime })
  })

  it('decrements to 0 at most', async () => {
    await store.increment('a')
    for (let i = 0; i < 3; i++) await store.decrement('a')
    expect(await store.get('a')).toMatchObject({ totalHits: 0 })
    expect(await store.increment('a')).toMatchObject({ totalHits: 1 })
  })

  it('creates no counter by a decrement, even if the window has just ended', async () => {
    await store.decrement('never counted')
    await store.increment('ended')
    await advance(db, 61_000)
    await store.decrement('ended')
    for (const key of ['never counted', 'ended']) {
      expect(await store.get(key)).toBeUndefined()
      expect(await store.increment(key)).toMatchObject({ totalHits: 1 })
    }
  })

  it('resets one key, or all of its keys but no others', async () => {
    const other = opened({ prefix: 'other' })
    for (const each of [store, other]) for (const key of ['a', 'b']) await each.increment(key)
    await cache.set('kept', 1)
    await store.resetKey('a')
    expect([await store.get('a'), await store.get('b')]).toMatchObject([undefined, { totalHits: 1 }])
    await store.resetAll()
    expect([await store.get('b'), await other.get('b')]).toMatchObject([undefined, { totalHits: 1 }])
    expect(await cache.get('kept')).toBe(1)
  })

  it('accepts every key that a request can contain', async () => {
    for (const key of ['', '\0', '\ud800', 'x'.repeat(5_000), '__proto__']) {
      expect(await store.increment(key)).toMatchObject({ totalHits: 1 })
      await store.resetKey(key)
    }
    expect(await counters(cache)).toEqual([])
  })

  it('keeps its counters in the given namespace', async () => {
    await store.increment('192.0.2.1')
    const { entries } = await cache.list()
    expect(entries).toMatchObject([{ key: 'client:192.0.2.1', namespace: ['hono-rate-limiter'] }])
    expect([store.localKeys, store.prefix]).toEqual([false, 'hono-rate-limiter'])
  })

  it('refuses a value that is not a cache, unknown options, an invalid window, and a second window', () => {
    const refused = expect.objectContaining({ code: expect.stringMatching(/^INVALID_/) })
    expect(() => rateLimiterStore({} as never)).toThrow(refused)
    expect(() => rateLimiterStore(cache, { windowMs: 1 } as never)).toThrow(refused)
    expect(() => rateLimiterStore(cache, { prefix: '' })).toThrow(refused)
    for (const windowMs of [0, -1, Number.NaN, undefined]) {
      expect(() => rateLimiterStore(cache).init({ windowMs } as never)).toThrow(refused)
    }
    store.init({ windowMs: 60_000 })
    expect(() => store.init({ windowMs: 1_000 })).toThrow(refused)
  })

  it('refuses to count before it knows the window', async () => {
    await expect(rateLimiterStore(cache).increment('a')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
