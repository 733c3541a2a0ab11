import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

let faults: Faults
let db: NeonHttpDatabase
let cache: Cache

beforeAll(async () => {
  ;({ db, faults } = await createNeon(await createDatabase()))
})
beforeEach(async () => {
  faults.heal()
  await migrate(db)
  // A separate server, so that no statement is left from another test. The timeout is long, because other test files
  // may keep a small machine busy.
  cache = createCache(db, { timeout: 60_000 })
  await cache.clear()
  await cache.setMany({ live: { a: 1 }, number: 1 })
  await cache.set('due', 1, { expiration: 60 })
  await cache.set('expired', 1, { expiration: 0 })
  faults.reset()
})

const operations: Record<string, (cache: Cache) => Promise<unknown>> = {
  'get, hit': (c) => c.get('live'),
  'get, miss': (c) => c.get('missing'),
  'get with sliding, due': (c) => c.get('due', { sliding: '1h' }),
  'get with sliding, not due': (c) => c.get('due', { sliding: 1 }),
  'get with sliding, miss': (c) => c.get('missing', { sliding: '1h' }),
  getMany: (c) => c.getMany(['live', 'number', 'missing']),
  has: (c) => c.has('live'),
  set: (c) => c.set('new', { a: 1 }, { expiration: '1h', tags: ['x'] }),
  setMany: (c) => c.setMany({ a: 1, b: 'two', c: null }, { expiration: '1h', tags: ['x'] }),
  'setMany of one': (c) => c.setMany({ a: 1 }),
  'add, stored': (c) => c.add('new', 1),
  'add, refused': (c) => c.add('live', 1),
  touch: (c) => c.touch('live', '1h'),
  increment: (c) => c.increment('number', 2, { expiration: '1h', sliding: true }),
  'increment, refused': (c) => c.increment('live').catch(() => {}),
  'increment, out of range': (c) => c.increment('number', Number.MAX_SAFE_INTEGER).catch(() => {}),
  decrement: (c) => c.decrement('new'),
  limit: (c) => c.limit('rate', { limit: 5, period: '1m' }),
  pull: (c) => c.pull('live'),
  delete: (c) => c.delete('live'),
  deleteMany: (c) => c.deleteMany(['live', 'number']),
  count: (c) => c.count(),
  expiration: (c) => c.expiration('due'),
  invalidate: (c) => c.invalidate(['x', 'y']),
  snapshot: (c) => c.snapshot(),
  clearExpired: (c) => c.clearExpired(),
  stats: (c) => c.stats(),
  list: (c) => c.list(),
  'twenty gets in one tick': (c) => Promise.all(Array.from({ length: 20 }, (_, i) => c.get(`key ${i % 7}`))),
  'gets of two namespaces in one tick': (c) => Promise.all([c.namespace('a').get('k'), c.namespace('b').get('k')]),
  'entry: exists, value and value again': async (c) => {
    const entry = c.entry('live')
    if (await entry.exists()) return [await entry.value(), await entry.value()]
  },
}

describe('one round trip of one statement over HTTP', () => {
  for (const [name, run] of Object.entries(operations)) {
    it(name, async () => {
      await run(cache)
      expect({ requests: faults.requests, statements: faults.statements }).toEqual({ requests: 1, statements: 1 })
    })
  }

  it('clear takes one for each 5,000 entries', async () => {
    expect(await cache.clear()).toBe(4)
    expect(faults.requests).toBe(1)
    await cache.setMany(Array.from({ length: 12_000 }, (_, i) => [`key ${i}`, 1]))
    faults.reset()
    expect(await cache.clear()).toBe(12_000)
    expect(faults.requests).toBe(3)
    expect(await cache.count()).toBe(0)
  })

  it('migrate takes one, in the first run and in every later one', async () => {
    await migrate(db)
    expect({ requests: faults.requests, statements: faults.statements }).toEqual({ requests: 1, statements: 1 })
  })
})

describe('no round trip over HTTP', () => {
  const free: Record<string, (cache: Cache) => Promise<unknown>> = {
    'an empty getMany': (c) => c.getMany([]),
    'an empty setMany': (c) => c.setMany([]),
    'an empty deleteMany': (c) => c.deleteMany([]),
    'an invalidate of no tags': (c) => c.invalidate([]),
    'an invalid key': (c) => c.get(''),
    'an invalid expiration': (c) => c.set('key', 1, { expiration: Number.NaN }),
    'an invalid tag': (c) => c.set('key', 1, { tags: [''] }),
    'a value that cannot be encoded': (c) => c.setMany({ good: 1, bad: 1n }),
    'an invalid delta': (c) => c.increment('key', Number.NaN),
    'a namespace, and an entry': async (c) => c.namespace('app').entry('key'),
  }
  for (const [name, run] of Object.entries(free)) {
    it(name, async () => {
      await run(cache).catch(() => {})
      expect(faults.requests).toBe(0)
    })
  }
})

describe('bytes over HTTP', () => {
  const BIG = 'x'.repeat(100_000)
  const CALLS: Record<string, (cache: Cache) => Promise<unknown>> = {
    has: (c) => c.has('big'),
    touch: (c) => c.touch('big', 60),
    expiration: (c) => c.expiration('big'),
    'add, refused': (c) => c.add('big', 1),
    delete: (c) => c.delete('big'),
    deleteMany: (c) => c.deleteMany(['big']),
    'increment, refused': (c) => c.increment('big').catch(() => {}),
    list: (c) => c.list(),
    stats: (c) => c.stats(),
    clear: (c) => c.clear(),
  }
  for (const [name, run] of Object.entries(CALLS)) {
    it(`${name} returns no value`, async () => {
      await cache.set('big', BIG)
      faults.reset()
      await run(cache)
      expect(faults.bytesOut).toBeLessThan(3_000)
      expect(faults.bytesIn).toBeLessThan(7_000)
    })
  }

  it('set and setMany send a value once and return none', async () => {
    await cache.set('big', BIG)
    await cache.setMany({ big: BIG, other: 1 })
    expect(faults.bytesOut).toBeLessThan(2_000)
    expect(faults.bytesIn).toBeLessThan(2 * BIG.length + 6_000)
  })

  it('a get transfers the value once', async () => {
    await cache.set('big', BIG)
    faults.reset()
    await Promise.all([cache.get('big'), cache.get('big'), cache.get('big')])
    expect(faults.bytesOut).toBeLessThan(BIG.length + 1_000)
  })
})

describe('batches over HTTP', () => {
  it('a setMany of 50 MB is sent in parts of at most 4 MiB, and arrives whole', async () => {
    const entries = Array.from({ length: 30 }, (_, i) => [`part ${i}`, `"${i}"`.repeat(300_000)] as const)
    await cache.setMany(entries)
    // Encoded they are 1.5 to 1.8 MB each, so each request holds two.
    expect(faults.requests).toBe(15)
    for (const [key, value] of entries) expect(await cache.get(key)).toBe(value)
  })

  it('25,000 keys take three statements of each batch operation', async () => {
    const keys = Array.from({ length: 25_000 }, (_, i) => `key ${i}`)
    await cache.setMany(keys.map((key, i) => [key, i]))
    expect(faults.requests).toBe(3)
    expect((await cache.getMany(keys)).size).toBe(25_000)
    expect(faults.requests).toBe(6)
    expect(await cache.deleteMany(keys)).toBe(25_000)
    expect(faults.requests).toBe(9)
  })

  it('gets of one tick succeed although they are together too large for one answer', async () => {
    const keys = Array.from({ length: 9 }, (_, i) => `large ${i}`)
    for (const key of keys) await cache.set(key, 'x'.repeat(8_000_000))
    const values = await Promise.all(keys.map((key) => cache.get<string>(key)))
    expect(values.map((value) => value?.length)).toEqual(keys.map(() => 8_000_000))
    expect((await cache.getMany(keys)).size).toBe(9)
  })
})
