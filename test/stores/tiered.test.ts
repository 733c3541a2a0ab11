/**
 * Behaviour specific to tiered caches: which calls reach the second tier, how long copies live, and why outdated copies
 * are not kept.
 */
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/pg-proxy'
import {
  type Cache,
  createCache,
  createCacheManager,
  memoryCache,
  type NearCache,
  nullCache,
  type Store,
  shardedCache,
  tieredCache,
  withMetrics,
} from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { postgresEngineOf } from '../../src/postgres/postgres-store.ts'
import { createSite, type Site } from '../fill/clients.ts'
import { emptyTables } from '../setup/postgres-store.ts'
import { overStore, thirdParty } from './under.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})

/** The clock of the first tiers, which a test can move. */
let ahead = 0
const near = () => memoryCache({ now: () => Date.now() + ahead })
let far: Cache
let cache: Cache
beforeEach(async () => {
  site.faults.heal()
  await emptyTables(site.db)
  ahead = 0
  far = site.client()
  cache = tieredCache({ l1: near(), l2: far })
  site.faults.reset()
})

async function requests(work: () => Promise<unknown>): Promise<number> {
  const before = site.faults.requests
  await work()
  return site.faults.requests - before
}

describe('reads of a tiered cache', () => {
  it('reach the database once, and not again while the copy lives', async () => {
    await far.set('key', { some: 'value' }, { expiration: '1h' })
    expect(await requests(() => cache.get('key'))).toBe(1)
    expect(await requests(() => cache.get('key'))).toBe(0)
    expect(await cache.get('key')).toEqual({ some: 'value' })
    expect(await requests(() => cache.has('key'))).toBe(0)
    expect(await requests(() => cache.getOrSet('key', 1))).toBe(0)
    ahead = 10_001
    expect(await requests(() => cache.get('key'))).toBe(1)
  })

  it('for many keys ask only for missing keys, in one request', async () => {
    await far.setMany({ a: 1, b: null, c: 'three' })
    await cache.get('a')
    expect(await requests(() => cache.getMany(['a', 'b', 'c', 'none']))).toBe(1)
    const all = cache.getMany(['c', 'none', 'b', 'a'])
    expect([...(await all)]).toEqual([
      ['c', 'three'],
      ['b', null],
      ['a', 1],
    ])
    expect(await requests(() => cache.getMany(['a', 'b', 'c']))).toBe(0)
  })

  it('in one tick share a statement', async () => {
    await far.setMany({ a: 1, b: 2, c: 3 })
    expect(await requests(() => Promise.all(['a', 'b', 'c'].map((key) => cache.get(key))))).toBe(1)
    await far.set('object', { n: 1 })
    const [one, two] = await Promise.all([cache.get<{ n: number }>('object'), cache.get('object')])
    if (one) one.n = 2
    expect(two).toEqual({ n: 1 })
  })

  it('keep a copy of a stored null, which is a hit', async () => {
    await far.set('key', null)
    expect(await cache.get('key')).toBe(null)
    expect(await requests(() => cache.get('key'))).toBe(0)
  })

  it('never keep a copy beyond the deadline of the entry, or of an absent entry', async () => {
    cache = tieredCache({ l1: near(), l2: far, l1Expiration: '2h' })
    await far.set('short', 1, { expiration: '1h' })
    await far.set('gone', 1, { expiration: 0 })
    expect(await cache.get('short')).toBe(1)
    expect(await cache.get('gone')).toBe(undefined)
    ahead = 30 * 60_000
    expect(await requests(() => cache.get('short'))).toBe(0)
    ahead = 60 * 60_000 + 1
    expect(await requests(() => cache.get('short'))).toBe(1)
  })

  it('that compute keep a copy with tags if the value was stored, and only then', async () => {
    const compute = (fill: { tag(tag: string): void }) => {
      fill.tag('late')
      return 'computed'
    }
    expect(await requests(() => cache.getOrSet('key', compute, { expiration: '1h', tags: ['early'] }))).toBe(2)
    expect(await requests(() => cache.getOrSet('key', compute))).toBe(0)
    for (const tag of ['early', 'late']) {
      await cache.invalidate(tag)
      expect(await requests(() => cache.getOrSet('key', compute, { expiration: '1h', tags: ['early'] }))).toBe(2)
    }
    await cache.getOrSet('skipped', (fill) => {
      fill.skip()
      return 1
    })
    expect(await cache.get('skipped')).toBe(undefined)
  })

  it('that compute keep the tags of a generator that can be read only once', async () => {
    await cache.getOrSet('key', 'computed', { tags: new Set(['x']).values() })
    await cache.invalidate('x')
    expect(await cache.get('key')).toBe(undefined)
  })

  it('that find the value of another process leave its copy unchanged', async () => {
    await far.getOrSet('key', 'theirs', { expiration: '1h', tags: ['x'] })
    expect(await requests(() => cache.getOrSet('key', 'ours'))).toBe(1)
    expect(await requests(() => cache.getOrSet('key', 'ours'))).toBe(0)
    await cache.invalidate('x')
    expect(await cache.get('key')).toBe(undefined)
    ahead = 60 * 60_000 + 1
    expect(await cache.get('key')).toBe(undefined)
  })

  it('that return a stale value keep no copy of it', async () => {
    const background: Promise<unknown>[] = []
    cache = tieredCache({ l1: near(), l2: site.client({ waitUntil: (work) => void background.push(work) }) })
    await far.getOrSet('key', 'old', { expiration: '1h', stale: '1h' })
    await site.db.execute(sql`update cache_entries set expires_at = now() - interval '1 second'`)
    expect(await cache.getOrSet('key', () => new Promise((r) => setTimeout(r, 50, 'new')), { stale: '1h' })).toBe('old')
    await Promise.all(background)
    expect(await cache.get('key')).toBe('new')
  })

  it.each([
    ['set', () => cache.set('key', 2, { expiration: '30s' })],
    ['touch and read', async () => [await cache.touch('key', '30s'), await cache.get('key')]],
    [
      'invalidate and compute',
      async () => [await cache.invalidate('x'), await cache.getOrSet('key', 2, { expiration: 30 })],
    ],
  ])('that slide reach the database after a %s that shortened the deadline', async (_name, write) => {
    cache = tieredCache({ l1: near(), l2: far, l1Expiration: '1h' })
    await cache.set('key', 1, { expiration: '10m', tags: ['x'] })
    await cache.get('key', { sliding: '1m' })
    await write()
    await cache.get('key', { sliding: '1m' })
    const expiresAt = (await far.expiration('key')) ?? new Date(0)
    expect(expiresAt.getTime() - Date.now()).toBeGreaterThan(30_000)
  })

  it('that slide reach the database after such a write by another cache with the same first tier', async () => {
    const l1 = near()
    const [other, own] = [1, 2].map(() => tieredCache({ l1, l2: far, l1Expiration: '1h' })) as [Cache, Cache]
    await other.set('key', 1, { expiration: '10m' })
    await other.get('key', { sliding: '1m' })
    await own.touch('key', '30s')
    await own.get('key')
    await own.get('key', { sliding: '1m' })
    const expiresAt = (await far.expiration('key')) ?? new Date(0)
    expect(expiresAt.getTime() - Date.now()).toBeGreaterThan(30_000)
  })

  it('that slide reach the database when an extension is due, and not before', async () => {
    await far.set('key', 1, { expiration: 100 })
    const slide = () => cache.get('key', { sliding: 100 })
    // Due at once, and then after a quarter of the span. A copy lives for ten seconds.
    expect(await requests(slide)).toBe(1)
    expect(await requests(slide)).toBe(0)
    // Far from the ten seconds, because real time passes as well.
    ahead = 2_000
    expect(await requests(slide)).toBe(0)
    ahead = 10_001
    expect(await requests(slide)).toBe(1)
    await far.set('close', 1, { expiration: 4 })
    await cache.get('close', { sliding: 4 })
    ahead += 1_100
    expect(await requests(() => cache.get('close', { sliding: 4 }))).toBe(1)
  })
})

describe('this process reads its own writes', () => {
  const writes: [string, (cache: Cache) => Promise<unknown>, unknown][] = [
    ['set', (on) => on.set('key', 'new'), 'new'],
    ['set, of no life', (on) => on.set('key', 'new', { expiration: 0 }), undefined],
    ['setMany', (on) => on.setMany({ key: 'new', other: 1 }), 'new'],
    ['increment', (on) => on.set('key', 1).then(() => on.increment('key')), 2],
    ['delete', (on) => on.delete('key'), undefined],
    ['deleteMany', (on) => on.deleteMany(['key']), undefined],
    ['pull', (on) => on.pull('key'), undefined],
    ['touch into the past', (on) => on.touch('key', 0), undefined],
    ['clear', (on) => on.clear(), undefined],
    ['invalidate', (on) => on.invalidate('tag'), undefined],
    ['a handle’s set', (on) => on.entry('key').set('new'), 'new'],
    ['a handle’s delete', (on) => on.entry('key').delete(), undefined],
    ['a write of its namespace', (on) => on.namespace('n').set('key', 'elsewhere'), 'old'],
  ]
  it.each(writes)('%s', async (_name, write, expected) => {
    await cache.set('key', 'old', { tags: ['tag'] })
    expect(await cache.get('key')).toBe('old')
    await write(cache)
    expect(await cache.get('key')).toBe(expected)
    expect(await far.get('key')).toBe(expected)
  })

  it.each(writes)('%s, also between a read and its copy', async (_name, write, expected) => {
    await far.set('key', 'old', { tags: ['tag'] })
    let go = () => {}
    const held = new Promise<void>((resolve) => {
      go = resolve
    })
    let isHeld = false
    const slow: Cache = delayed(far, async () => {
      isHeld = true
      await held
    })
    cache = tieredCache({ l1: near(), l2: slow })
    const reading = cache.getMany(['key'])
    await expect.poll(() => isHeld).toBe(true)
    await write(cache)
    go()
    expect((await reading).get('key')).toBe('old')
    expect(await cache.get('key')).toBe(expected)
  })

  it('overlapping writes leave no copy, because their order is unknown', async () => {
    await Promise.all([cache.set('key', 'a'), cache.set('key', 'b')])
    const stored = await far.get('key')
    expect(await cache.get('key')).toBe(stored)
    await cache.set('key', 'c')
    expect(await requests(() => cache.get('key'))).toBe(0)
  })

  it('a failed write leaves no copy', async () => {
    await cache.set('key', 'old')
    site.faults.next({ kind: 'error', status: 500, body: { message: 'away' } })
    await expect(cache.set('key', 'new')).rejects.toMatchObject({ code: 'DATABASE' })
    expect(await requests(() => cache.get('key'))).toBe(1)
  })

  it.each<[string, (l2: Cache) => Cache]>([
    ['alone', (l2) => l2],
    ['sharded', (l2) => shardedCache({ nodes: { only: l2 } })],
    ['under another tier', (l2) => tieredCache({ l1: near(), l2 })],
    ['metered', withMetrics],
  ])('a write that a second tier %s dropped leaves no copy', async (_name, wrap) => {
    const soft = createCache(site.db, { onError: 'miss', warn: false, timeout: 60_000 })
    cache = tieredCache({ l1: near(), l2: wrap(soft) })
    await cache.set('key', 'old')
    const fault = { kind: 'error', status: 500, body: { message: 'away' } } as const
    site.faults.next(fault)
    await cache.set('key', 'new')
    expect(await cache.get('key')).toBe('old')
    site.faults.next(fault)
    await cache.setMany({ key: 'new' })
    expect(await cache.get('key')).toBe('old')
  })

  it('a value that the caller changes afterwards is stored as it was', async () => {
    const value = { n: 1 }
    const written = cache.set('key', value)
    value.n = 2
    await written
    expect(await cache.get('key')).toEqual({ n: 1 })
    const read = (await cache.get<{ n: number }>('key')) ?? { n: 0 }
    read.n = 3
    expect(await cache.get('key')).toEqual({ n: 1 })
  })
})

/** The same cache, whose first read of many keys waits after the store has answered. */
function delayed(cache: Cache, wait: () => Promise<void>): Cache {
  let isFirst = true
  return overStore(cache, (store) => ({
    async readMany(...args) {
      const reply = await store.readMany(...args)
      if (isFirst) {
        isFirst = false
        await wait()
      }
      return reply
    },
  }))
}

describe('writes of other processes', () => {
  it('are visible when the copy has expired, at most l1Expiration later', async () => {
    cache = tieredCache({ l1: near(), l2: far, l1Expiration: '1h' })
    await cache.set('key', 'old')
    await far.set('key', 'new')
    expect(await cache.get('key')).toBe('old')
    ahead = 60 * 60_000 + 1
    expect(await cache.get('key')).toBe('new')
  })
})

describe('an unreachable tier', () => {
  it('as the second one: with onError miss, the first tier answers from its copies, and the rest is computed', async () => {
    cache = tieredCache({ l1: near(), l2: site.client({ onError: 'miss' }), l1Expiration: '1h' })
    await cache.set('key', 'kept', { expiration: 100 })
    await cache.get('key', { sliding: 100 })
    site.faults.always({ kind: 'reset' })
    expect(await cache.get('key')).toBe('kept')
    expect(await cache.get('key', { sliding: 90 })).toBe('kept')
    expect(await cache.getOrSet('key', 'computed')).toBe('kept')
    expect(await cache.getOrSet('other', 'computed')).toBe('computed')
    expect(await cache.get('none')).toBe(undefined)
  })

  const fail = () => Promise.reject(new Error('broken'))
  const throwNow = () => {
    throw new Error('broken')
  }
  const METHODS = ['read', 'readMany', 'has', 'write', 'remove', 'clear', 'invalidate', 'sweep'] as const
  const brokenBy = (call: () => never) =>
    overStore(near(), () => Object.fromEntries(METHODS.map((name) => [name, call])) as Partial<Store>)

  it.each<[string, NearCache]>([
    ['rejects', brokenBy(fail as () => never)],
    ['throws at once', brokenBy(throwNow)],
    ['belongs to a third party', brokenThirdParty(fail)],
  ])('as the first one, which %s, counts as an empty one', async (_name, broken) => {
    cache = tieredCache({ l1: broken, l2: far })
    await cache.set('key', 1, { tags: ['x'] })
    expect([await cache.get('key'), await cache.has('key'), await cache.getOrSet('key', 2)]).toEqual([1, true, 1])
    expect([...(await cache.getMany(['key']))]).toEqual([['key', 1]])
    await cache.invalidate('x')
    expect(await cache.get('key')).toBe(undefined)
    expect(await cache.clear()).toBeGreaterThanOrEqual(0)
  })
})

it.each<[string, (slow: Cache) => Cache]>([
  ['', (slow) => slow],
  [' under metrics', withMetrics],
  [' under shards', (slow) => shardedCache({ nodes: { slow } })],
])('reads of one tick wait as long as the second tier may take%s', async (_name, wrap) => {
  vi.useFakeTimers()
  try {
    const answer = () => new Promise<{ rows: [] }>((resolve) => setTimeout(resolve, 20_000, { rows: [] }))
    const slow = createCache(drizzle(answer), { timeout: 60_000 })
    cache = tieredCache({ l1: memoryCache(), l2: wrap(slow) })
    const reads = Promise.all([cache.get('a'), cache.get('b')])
    reads.catch(() => {})
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await reads).toEqual([undefined, undefined])
  } finally {
    vi.useRealTimers()
  }
})

/** A first tier that is not a cache of this package, and whose every call rejects. */
function brokenThirdParty(fail: () => Promise<never>): NearCache {
  return new Proxy(thirdParty(near()), {
    get: (target, name) => (typeof name === 'symbol' || name === 'namespace' ? Reflect.get(target, name) : fail),
  })
}

describe('tiers of any kind', () => {
  it('a third-party store with unknown tags is exact as well', async () => {
    const foreign = thirdParty(memoryCache())
    cache = tieredCache({ l1: near(), l2: foreign })
    await foreign.set('key', 'old', { tags: ['x'], expiration: '1h' })
    expect(await cache.get('key')).toBe('old')
    await cache.invalidate('x')
    expect(await cache.get('key')).toBe(undefined)
    expect(await cache.getOrSet('key', 'computed')).toBe('computed')
    await cache.set('key', 'set')
    expect(await cache.get('key', { sliding: '1m' })).toBe('set')
  })

  it.each<[string, (foreign: Cache) => Cache]>([
    ['metered', withMetrics],
    ['sharded', (foreign) => shardedCache({ nodes: { own: memoryCache(), foreign }, weights: { foreign: 100 } })],
    ['managed', (foreign) => createCacheManager({ default: 'foreign', stores: { foreign } })],
  ])('a third-party store that is %s is exact as well', async (_name, wrap) => {
    const foreign = thirdParty(memoryCache())
    const keys = ['a', 'b', 'c', 'd']
    cache = tieredCache({ l1: near(), l2: wrap(foreign) })
    for (const key of keys) await foreign.set(key, 'old', { tags: ['x'] })
    expect((await cache.getMany(keys)).size).toBeGreaterThan(0)
    await cache.invalidate('x')
    expect((await cache.getMany(keys)).size).toBe(0)
  })

  it.each<[string, () => Cache]>([
    ['that is disabled', () => nullCache()],
    ['that has too little room', () => memoryCache({ maxBytes: 100 })],
    ['of shards with too little room', () => shardedCache({ nodes: { a: memoryCache({ maxBytes: 100 }) } })],
  ])('the first tier keeps no copy that a second tier %s does not have', async (_name, second) => {
    const large = 'x'.repeat(200)
    cache = tieredCache({ l1: near(), l2: second() })
    await cache.set('a', large)
    await cache.setMany({ b: large })
    await cache.add('c', large)
    await cache.getOrSet('d', () => large)
    await cache.entry('e').set(large)
    expect((await cache.getMany(['a', 'b', 'c', 'd', 'e'])).size).toBe(0)
    const compute = vi.fn(() => large)
    await cache.getOrSet('d', compute)
    expect(compute).toHaveBeenCalledOnce()
  })

  it('tiers of tiers, shards, and nullCache work together', async () => {
    const shards = shardedCache({ nodes: { a: memoryCache(), b: memoryCache() } })
    cache = tieredCache({ l1: near(), l2: tieredCache({ l1: near(), l2: shards }) })
    await cache.setMany({ a: 1, b: 2, c: 3 }, { tags: ['x'] })
    expect((await cache.getMany(['a', 'b', 'c'])).size).toBe(3)
    expect(await cache.getOrSet('d', 4, { tags: ['x'] })).toBe(4)
    await cache.invalidate('x')
    expect((await cache.getMany(['a', 'b', 'c', 'd'])).size).toBe(0)
    cache = tieredCache({ l1: near(), l2: nullCache() })
    expect(await cache.getOrSet('key', 1)).toBe(1)
    expect(await cache.getOrSet('key', 2)).toBe(2)
  })

  it('a tag too long to be recognized leaves no copy', async () => {
    const tag = 't'.repeat(2_000)
    await far.set('key', 1, { tags: [tag] })
    expect(await cache.get('key')).toBe(1)
    await cache.invalidate(tag)
    expect(await cache.get('key')).toBe(undefined)
  })

  it.each([
    ['no l2', { l1: memoryCache() }, 'Expected l2 to be a cache'],
    ['no l1', { l2: memoryCache() }, 'Expected l1 to be a cache'],
    ['unknown', { l1: memoryCache(), l2: memoryCache(), l3: 1 }, 'Unknown option l3. The options are l1, l2'],
    ['no span', { l1: memoryCache(), l2: memoryCache(), l1Expiration: 0 }, 'l1Expiration'],
    ['none', undefined, 'Expected l1 to be a cache'],
  ])('tieredCache refuses options: %s, and says what it expected', (_name, options, word) => {
    expect(() => tieredCache(options as never)).toThrow(word)
  })
})

it('createCache’s cache stays usable for functions that build on it', async () => {
  const on = createCache(site.db)
  const tiered = tieredCache({ l1: near(), l2: on })
  expect(postgresEngineOf(tiered)?.store.tables).toBe(postgresEngineOf(on)?.store.tables)
})
