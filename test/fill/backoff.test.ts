/** `backoff`: after a failed refresh, no process refreshes the key for a while. */
import { type Cache, cacheOver, memoryCache, shardedCache, tieredCache } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../setup/eventually.ts'
import { advance } from '../setup/postgres-store.ts'
import { createSite, type Site, times } from './clients.ts'

const OPTIONS = { expiration: '1m', stale: '1h', backoff: '10m' } as const

let site: Site
let clients: Cache[]
beforeAll(async () => {
  site = await createSite()
  clients = times(2, () => site.client())
})
const failing = () => vi.fn(async () => Promise.reject(new Error('origin failed')))

interface Place {
  caches(): Cache[]
  advance(ms: number): Promise<void>
}

/** Two caches over one storage, for each kind of storage. */
const places: Record<string, () => Place> = {
  postgres: () => ({ caches: () => clients, advance: (ms) => advance(site.db, ms) }),
  memory: () => {
    let now = Date.now()
    const cache = memoryCache({ now: () => now })
    return {
      caches: () => [cache, cache],
      async advance(ms) {
        now += ms
      },
    }
  },
  'two tiers': () => ({
    caches: () => clients.map((l2) => tieredCache({ l1: memoryCache(), l2, l1Expiration: 0.001 })),
    advance: (ms) => advance(site.db, ms),
  }),
  shards: () => ({
    caches: () => clients.map((a) => shardedCache({ nodes: { a, b: a.namespace('b') } })),
    advance: (ms) => advance(site.db, ms),
  }),
}

describe.each(Object.keys(places))('a back-off in %s', (name) => {
  let first: Cache
  let second: Cache
  let pass: Place['advance']
  beforeEach(async () => {
    await clients[0]?.clear()
    const place = (places[name] as () => Place)()
    ;[first, second] = place.caches() as [Cache, Cache]
    pass = place.advance
    await first.getOrSet('key', 'old', OPTIONS)
    await pass(120_000)
  })

  it('keeps all processes from trying again, and serves the stale value meanwhile', async () => {
    const compute = failing()
    expect(await first.getOrSet('key', compute, OPTIONS)).toBe('old')
    for (const cache of [first, second, first, second])
      expect(await cache.getOrSet('key', compute, OPTIONS)).toBe('old')
    expect(compute).toHaveBeenCalledTimes(1)
    // Callers without the option take part, because the lease records the back-off.
    expect(await second.getOrSet('key', compute, { expiration: '1m', stale: '1h' })).toBe('old')
    expect(compute).toHaveBeenCalledTimes(1)
  })

  it('ends, and the next call tries again', async () => {
    const compute = failing()
    await first.getOrSet('key', compute, OPTIONS)
    await pass(601_000)
    expect(await second.getOrSet('key', compute, OPTIONS)).toBe('old')
    expect(compute).toHaveBeenCalledTimes(2)
    expect(await first.getOrSet('key', compute, OPTIONS)).toBe('old')
    expect(compute).toHaveBeenCalledTimes(2)
    await pass(601_000)
    expect(await first.getOrSet('key', () => 'new', OPTIONS)).toBe('new')
    expect(await second.get('key')).toBe('new')
  })

  it('ends once a caller has computed the value, so that the next refresh is not delayed', async () => {
    await first.getOrSet('key', failing(), { ...OPTIONS, backoff: '5h' })
    // This caller accepts no stale value, so it computes.
    expect(await second.getOrSet('key', () => 'new', { ...OPTIONS, stale: 0 })).toBe('new')
    await second.getOrSet('key', 'unused', OPTIONS)
    await pass(61_000)
    expect(await first.getOrSet('key', () => 'newer', OPTIONS)).toBe('newer')
  })

  it('delays no caller that accepts no stale value', async () => {
    await first.getOrSet('key', failing(), OPTIONS)
    expect(await second.getOrSet('key', () => 'new', { expiration: '1m' })).toBe('new')
    expect(await first.get('key')).toBe('new')
  })

  it('does not outlast the stale value', async () => {
    await first.getOrSet('key', failing(), { ...OPTIONS, backoff: '5h' })
    await pass(3_600_000)
    expect(await second.getOrSet('key', () => 'new', OPTIONS)).toBe('new')
  })

  it('ends once the entry is deleted or written', async () => {
    await first.getOrSet('key', failing(), OPTIONS)
    await second.delete('key')
    expect(await first.getOrSet('key', () => 'new', OPTIONS)).toBe('new')
    await pass(120_000)
    await first.getOrSet('key', failing(), OPTIONS)
    await second.set('key', 'written', { expiration: '1m' })
    await pass(120_000)
    expect(await first.getOrSet('key', () => 'newer', OPTIONS)).toBe('newer')
  })

  it('does not start if there is no value to serve', async () => {
    const compute = failing()
    for (const _ of [1, 2]) await expect(first.getOrSet('absent', compute, OPTIONS)).rejects.toThrow('origin failed')
    expect(compute).toHaveBeenCalledTimes(2)
  })

  it('does not start if the caller itself aborted', async () => {
    const leaving = new AbortController()
    const call = first.getOrSet(
      'key',
      () => {
        leaving.abort(new Error('left'))
        throw new Error('left')
      },
      { ...OPTIONS, signal: leaving.signal },
    )
    await call.catch(() => {})
    await eventually(async () => expect(await second.getOrSet('key', () => 'new', OPTIONS)).toBe('new'))
  })

  it('starts for a value that cannot be stored', async () => {
    const compute = vi.fn(() => 1n)
    for (const cache of [first, second]) expect(await cache.getOrSet('key', compute, OPTIONS)).toBe('old')
    expect(compute).toHaveBeenCalledTimes(1)
  })
})

describe('a back-off in Postgres', () => {
  beforeEach(async () => {
    await site.client().clear()
    await site.client().getOrSet('key', 'old', OPTIONS)
    await advance(site.db, 120_000)
  })

  it('holds against many concurrent calls of many processes', async () => {
    const compute = failing()
    await clients[0]?.getOrSet('key', compute, OPTIONS)
    const calls = times(60, (i) => (clients[i % 2] as Cache).getOrSet('key', compute, OPTIONS))
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['old']))
    expect(compute).toHaveBeenCalledTimes(1)
  })

  it('lets one of many waiting callers compute after its end', async () => {
    await clients[0]?.getOrSet('key', failing(), OPTIONS)
    await advance(site.db, 601_000)
    const compute = vi.fn(async () => 'new')
    const calls = times(40, (i) => (clients[i % 2] as Cache).getOrSet('key', compute, OPTIONS))
    for (const value of await Promise.all(calls)) expect(['old', 'new']).toContain(value)
    expect(compute).toHaveBeenCalledTimes(1)
  })

  it('costs no extra round trip: one for the claim, one for the release, one for each stale value', async () => {
    const [cache] = clients as [Cache]
    site.faults.reset()
    await cache.getOrSet('key', failing(), OPTIONS)
    expect(site.faults.requests).toBe(2)
    await cache.getOrSet('key', failing(), OPTIONS)
    expect(site.faults.requests).toBe(3)
  })

  it('ends if the clock stepped back by hours', async () => {
    await clients[0]?.getOrSet('key', failing(), OPTIONS)
    await advance(site.db, -4 * 3_600_000)
    await advance(site.db, 0)
    // The entry is live again as well, so it must expire once more.
    const compute = vi.fn(() => 'new')
    await site.db.execute(
      "update cache_entries set expires_at = now() - interval '1 minute', kept_until = now() + interval '1 hour'",
    )
    expect(await clients[1]?.getOrSet('key', compute, OPTIONS)).toBe('new')
  })

  it('is skipped for an entry that cannot be decoded', async () => {
    await clients[0]?.getOrSet('key', failing(), OPTIONS)
    await site.db.execute("update cache_entries set value = '{'")
    expect(await clients[1]?.getOrSet('key', () => 'new', OPTIONS)).toBe('new')
  })

  it('keeps calls from retrying an early refresh', async () => {
    const eager = times(2, () => site.client({ random: () => 1 - 1e-12 }))
    const slow = () => new Promise((resolve) => setTimeout(resolve, 20, 'live'))
    await eager[0]?.getOrSet('hot', slow, { expiration: '1m' })
    const compute = failing()
    const options = { expiration: '1m', beta: 1_000, backoff: '1h' } as const
    for (const cache of [...eager, ...eager]) expect(await cache.getOrSet('hot', compute, options)).toBe('live')
    expect(compute).toHaveBeenCalledTimes(1)
  })
})

describe('a custom store', () => {
  it('may ignore back-offs, and then the next call tries again', async () => {
    let now = Date.now()
    const memory = memoryCache({ now: () => now })
    const engine = Reflect.get(memory, Symbol.for('pgstash.engine')) as { store: Parameters<typeof cacheOver>[0] }
    const cache = cacheOver({ ...engine.store, release: (key, token) => engine.store.release(key, token) })
    await cache.getOrSet('key', 'old', OPTIONS)
    now += 120_000
    const compute = failing()
    for (const _ of [1, 2]) expect(await cache.getOrSet('key', compute, OPTIONS)).toBe('old')
    expect(compute).toHaveBeenCalledTimes(2)
  })
})

describe('the backoff option', () => {
  it.each([0, -1, null, new Date(), 'soon'])('refuses %s', async (backoff) => {
    await expect(memoryCache().getOrSet('key', 'x', { backoff: backoff as never })).rejects.toMatchObject({
      code: 'INVALID_EXPIRATION',
    })
  })
})
