import { type Cache, createCache, type LimitRule, memoryCache } from 'pgstash'
import type { RateLimitOptions } from 'pgstash/fetch'
import { rateLimitKey } from 'pgstash/fetch'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { advance } from '../setup/postgres-store.ts'
import { type Args, createMigratedStash, emptied, limited, PATIENCE_MS, statuses } from './limits.ts'

let stash: Awaited<ReturnType<typeof createMigratedStash>>
let cache: Cache
beforeAll(async () => {
  stash = await createMigratedStash()
})
beforeEach(async () => {
  await emptied(stash)
  cache = createCache(stash.db, { timeout: PATIENCE_MS })
})
afterEach(() => void vi.restoreAllMocks())

const make = (options: Partial<RateLimitOptions<Args>> = {}) => limited({ cache, blockList: true, ...options })
const rule: LimitRule = { limit: 10, period: '1h', blockList: true }

/** Moves the clock of this process forward, but not that of the database. */
function clockAhead(ms: number): void {
  const real = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => real() + ms)
  const wall = Date.now
  vi.spyOn(Date, 'now').mockImplementation(() => wall() + ms)
}

describe('a block list', () => {
  it('refuses a client without a request, until it could succeed', async () => {
    const app = make()
    expect(await statuses(app, 3)).toEqual([200, 200, 429])
    stash.faults.reset()
    expect(await statuses(app, 5)).toEqual(Array(5).fill(429))
    expect(stash.faults.requests).toBe(0)
    clockAhead(61_000)
    await advance(stash.db, 61_000)
    expect(await statuses(app, 1)).toEqual([200])
  })

  it('is disabled by default', async () => {
    const app = make({ blockList: false })
    await statuses(app, 3)
    stash.faults.reset()
    await statuses(app, 2)
    expect(stash.faults.requests).toBe(2)
  })

  it('returns the remaining wait', async () => {
    await cache.limit('key', { ...rule, cost: 10 })
    const refused = await cache.limit('key', rule)
    clockAhead(600_000)
    const blocked = await cache.limit('key', rule)
    expect(blocked).toMatchObject({ allowed: false, count: 11, remaining: 0, reason: 'block list' })
    expect(refused.retryMs - blocked.retryMs).toBeGreaterThanOrEqual(599_000)
    expect(refused.resetMs - blocked.resetMs).toBeGreaterThanOrEqual(599_000)
    expect(blocked.resetAt).toEqual(refused.resetAt)
    expect(blocked.resetAt).not.toBe(refused.resetAt)
  })

  it('lets a cheaper call through to the database, and refuses a dearer one', async () => {
    await cache.limit('key', { ...rule, cost: 8 })
    await cache.limit('key', { ...rule, cost: 5 })
    stash.faults.reset()
    expect((await cache.limit('key', { ...rule, cost: 6 })).reason).toBe('block list')
    expect(stash.faults.requests).toBe(0)
    expect((await cache.limit('key', { ...rule, cost: 1 })).allowed).toBe(true)
    expect(stash.faults.requests).toBe(1)
  })

  it('does not apply to another rule, another key or another cost', async () => {
    const others: [string, LimitRule][] = [
      ['key', { ...rule, limit: 11 }],
      ['other', rule],
      ['key', { ...rule, cost: 0 }],
      ['key', { ...rule, cost: -1 }],
      ['key', { ...rule, blockList: false }],
    ]
    for (const [key, other] of others) {
      await cache.clear()
      await cache.limit('key', { ...rule, cost: 10 })
      await cache.limit('key', rule)
      stash.faults.reset()
      await cache.limit(key, other)
      expect(stash.faults.requests).toBe(1)
    }
  })

  it.each<[string, (key: string) => Promise<unknown>]>([
    ['delete', (key) => cache.delete(key)],
    ['deleteMany', (key) => cache.deleteMany([key])],
    ['set', (key) => cache.set(key, 0)],
    ['decrement', (key) => cache.decrement(key, 2)],
    ['pull', (key) => cache.pull(key)],
    ['clear', () => cache.clear()],
    ['giving back', (key) => cache.limit(key, { limit: 2, period: '1m', cost: -1 })],
  ])('drops a client after %s', async (_name, change) => {
    const app = make()
    await statuses(app, 3)
    await change(rateLimitKey('two', 'client'))
    expect(await statuses(app, 1)).toEqual([200])
  })

  it('is shared by namespaces, and distinguishes them', async () => {
    const inside = cache.namespace('a')
    await inside.limit('key', { ...rule, cost: 10 })
    await inside.limit('key', rule)
    expect((await cache.namespace('a').limit('key', rule)).reason).toBe('block list')
    expect((await cache.namespace('b').limit('key', rule)).allowed).toBe(true)
  })

  it('never outlasts the limit, because its time counts from before the request', async () => {
    let now = 0
    const memory = memoryCache({ now: () => now })
    await memory.limit('key', { ...rule, cost: 10 })
    const { retryMs } = await memory.limit('key', rule)
    now += retryMs
    clockAhead(retryMs)
    expect((await memory.limit('key', rule)).allowed).toBe(true)
  })

  it('drops the clients that were refused longest ago, above 10,000', async () => {
    const memory = memoryCache({ maxEntries: 100_000 })
    const one: LimitRule = { limit: 1, period: '1h', blockList: true }
    for (let i = 0; i <= 10_000; i++) {
      await memory.limit(`key:${i}`, one)
      await memory.limit(`key:${i}`, one)
    }
    expect((await memory.limit('key:10000', one)).reason).toBe('block list')
    expect((await memory.limit('key:0', one)).reason).toBe(undefined)
  })

  it('reports its refusals, which cost nothing', async () => {
    const events: object[] = []
    const watched = createCache(stash.db, { timeout: PATIENCE_MS, onEvent: (event) => events.push(event) })
    const one: LimitRule = { limit: 1, period: '1h', blockList: true }
    for (const _ of [1, 2, 3]) await watched.limit('key', one)
    expect(events).toMatchObject([
      { type: 'write', operation: 'limit', count: 1, allowed: true, roundTrips: 1 },
      { type: 'write', operation: 'limit', count: 0, allowed: false, roundTrips: 1 },
      { type: 'write', operation: 'limit', count: 0, allowed: false, roundTrips: 0 },
    ])
  })
})
