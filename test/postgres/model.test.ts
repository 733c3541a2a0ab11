import { drizzle } from 'drizzle-orm/node-postgres'
import fc from 'fast-check'
import { type Cache, CacheError, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { advance } from '../setup/postgres-store.ts'

/** A model of the cache, as plain as possible. Time is a number of milliseconds. */
class Model {
  now = 0
  entries = new Map<string, { value: unknown; expiresAt: number | null; tags: string[] }>()

  live(key: string) {
    const entry = this.entries.get(key)
    return entry !== undefined && (entry.expiresAt === null || entry.expiresAt > this.now) ? entry : undefined
  }
  write(key: string, value: unknown, ttl: number | null, tags: string[]) {
    this.entries.set(key, { value: JSON.parse(JSON.stringify(value)), expiresAt: this.deadline(ttl), tags })
  }
  deadline(ttl: number | null) {
    return ttl === null ? null : this.now + Math.max(0, ttl) * 1_000
  }
}

type Step = (cache: Cache, model: Model) => Promise<void>

// Few keys, so that they repeat, and every kind of key.
const keys = fc.constantFrom(
  'a',
  'A',
  '__proto__',
  'constructor',
  "'",
  '"',
  '\\',
  '|',
  '%',
  '\ud83d\ude00',
  'é',
  ' ',
  '{a,b}',
  'NULL',
  'x'.repeat(700),
  `${'x'.repeat(700)}y`,
)
const anyString = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 20 }),
  fc.constantFrom('', '\0', '\ud800', '5', 'null', '"', "'", '\\', '{}', 'NULL', '$1'),
)
const values = fc.oneof(
  fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }),
  anyString,
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.dictionary(fc.oneof(anyString, fc.constant('__proto__')), anyString, { maxKeys: 4 }),
  fc.integer({ min: 1, max: 3 }).map((n) => 'é"\\'.repeat(n * 10_000)),
)
// Seconds, far enough apart from each other and from the steps of time that rounding and run time do not matter.
const ttls = fc.constantFrom(null, -100, 0, 1_000, 2_000, 4_000)
const tagLists = fc.subarray(['t', 'u', "t'u"])

const same = (actual: unknown, expected: unknown) =>
  expect(actual).toEqual(expected === undefined ? undefined : JSON.parse(JSON.stringify(expected)))

const steps: fc.Arbitrary<Step>[] = [
  fc.tuple(keys, values, ttls, tagLists).map(([key, value, ttl, tags]) => async (cache, model) => {
    await cache.set(key, value, { expiration: ttl, tags })
    model.write(key, value, ttl, tags)
  }),
  fc.tuple(fc.array(fc.tuple(keys, values), { maxLength: 5 }), ttls).map(([pairs, ttl]) => async (cache, model) => {
    await cache.setMany(pairs, { expiration: ttl })
    for (const [key, value] of pairs) model.write(key, value, ttl, [])
  }),
  fc.tuple(keys, values, ttls).map(([key, value, ttl]) => async (cache, model) => {
    const absent = model.live(key) === undefined
    expect(await cache.add(key, value, { expiration: ttl })).toBe(absent)
    if (absent) model.write(key, value, ttl, [])
  }),
  fc.tuple(keys, ttls).map(([key, ttl]) => async (cache, model) => {
    const entry = model.live(key)
    expect(await cache.touch(key, ttl)).toBe(entry !== undefined)
    if (entry) entry.expiresAt = model.deadline(ttl)
  }),
  fc
    .tuple(keys, fc.integer({ min: -1_000, max: 1_000 }), ttls)
    .map(([key, hundredths, ttl]) => async (cache, model) => {
      const delta = hundredths / 4
      const entry = model.live(key)
      const held = entry?.value ?? 0
      const outcome = await cache.increment(key, delta, { expiration: ttl }).catch((error: unknown) => error)
      if (typeof held !== 'number') {
        expect(outcome).toMatchObject({ code: 'NOT_A_NUMBER' })
      } else if (Math.abs(held + delta) > Number.MAX_SAFE_INTEGER) {
        expect(outcome).toMatchObject({ code: 'COUNTER_RANGE' })
      } else {
        // The database computes exact decimals and the model does not, so compare approximately. Other tests check
        // exactness.
        expect(outcome).toBeCloseTo(held + delta, 3)
        if (entry && entry.value !== null) entry.value = outcome
        else model.write(key, outcome, ttl, [])
      }
    }),
  keys.map((key) => async (cache, model) => {
    same(await cache.get(key), model.live(key)?.value)
  }),
  fc.array(keys, { maxLength: 6 }).map((asked) => async (cache, model) => {
    const expected = [...new Set(asked)].flatMap((key) => (model.live(key) ? [[key, model.live(key)?.value]] : []))
    same([...(await cache.getMany(asked))], expected)
    same(
      await Promise.all(asked.map((key) => cache.get(key, { fallback: 'none' }))),
      asked.map((key) => (model.live(key) ? model.live(key)?.value : 'none')),
    )
  }),
  keys.map((key) => async (cache, model) => {
    expect(await cache.has(key)).toBe(model.live(key) !== undefined)
  }),
  keys.map((key) => async (cache, model) => {
    same(await cache.pull(key), model.live(key)?.value)
    model.entries.delete(key)
  }),
  fc.array(keys, { maxLength: 4 }).map((asked) => async (cache, model) => {
    const expected = [...new Set(asked)].filter((key) => model.live(key)).length
    expect(await cache.deleteMany(asked)).toBe(expected)
    for (const key of asked) model.entries.delete(key)
  }),
  fc.constantFrom('t', 'u', "t'u").map((tag) => async (cache, model) => {
    await cache.invalidate(tag)
    for (const entry of model.entries.values()) if (entry.tags.includes(tag)) entry.expiresAt = -1
  }),
  fc.constant(async (cache: Cache, model: Model) => {
    const live = [...model.entries.keys()].filter((key) => model.live(key)).length
    expect(await cache.count()).toBe(live)
    expect(await cache.stats()).toMatchObject({ total: model.entries.size, expired: model.entries.size - live })
  }),
]

const sliding = keys.map((key) => async (cache: Cache, model: Model) => {
  const entry = model.live(key)
  same(await cache.get(key, { sliding: 1_500 }), entry?.value)
  if (entry && entry.expiresAt !== null && entry.expiresAt < model.now + 1_500_000)
    entry.expiresAt = model.now + 1_875_000
})

describe('any sequence of operations', () => {
  let db: ReturnType<typeof drizzle>
  beforeAll(async () => {
    db = drizzle(createPool(await createDatabase()))
    await migrate(db)
  })

  const time = fc.constantFrom(500_300, 1_000_700).map((ms) => async (_: Cache, model: Model) => {
    await advance(db, ms)
    model.now += ms
  })

  it('gives the answers of a plain model: 250 sequences of up to 40 operations', { timeout: 300_000 }, async () => {
    let done = 0
    const sequence = fc.array(fc.oneof(...steps, sliding, time), { minLength: 10, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(sequence, fc.constantFrom(undefined, 'space', 'a|b'), async (operations, namespace) => {
        const root = createCache(db, { timeout: 60_000 })
        await root.clear()
        const cache = namespace === undefined ? root : root.namespace(namespace)
        const model = new Model()
        for (const step of operations) {
          await step(cache, model)
          done++
        }
      }),
      { numRuns: 250 },
    )
    expect(done).toBeGreaterThan(4_000)
  })

  it('accepts any string as a key, or refuses it for the right reason', async () => {
    const cache = createCache(db, { timeout: 60_000 })
    await cache.clear()
    await fc.assert(
      fc.asyncProperty(anyString, fc.integer(), async (key, value) => {
        const legal = key !== '' && !key.includes('\0') && key.isWellFormed()
        const outcome = await cache.set(key, value).catch((error: unknown) => error)
        if (!legal) expect(outcome).toBeInstanceOf(CacheError)
        else expect(await cache.get(key)).toBe(value)
      }),
      { numRuns: 500 },
    )
  }, 180_000)
})
