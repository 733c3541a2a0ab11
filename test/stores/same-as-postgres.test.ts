/** A memory cache and a Postgres cache give the same answers to any operations. */
import { drizzle } from 'drizzle-orm/node-postgres'
import fc from 'fast-check'
import type { Cache, Expiration, Fill, GetOrSetOptions } from 'pgstash'
import type { StoreUnderTest } from 'pgstash/testing'
import { beforeAll, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { postgresStore } from '../setup/postgres-store.ts'
import { memoryStore } from './memory-store.ts'

/** A step on one store. Its answer is compared. */
type Step = (cache: Cache, store: StoreUnderTest) => Promise<unknown>

const keys = fc.constantFrom('a', 'b', 'c', 'd|', '\\e')
const values = fc.constantFrom<unknown>(0, 1.5, -2, 1e21, 9007199254740990, null, 'text', '5', { n: 1 }, [], true)
// Seconds, far enough from each other and from the steps of time that run time does not matter.
const spans = fc.constantFrom(1_000, 2_000, 4_000)
const ttls = fc.oneof(spans, fc.constantFrom<Expiration | undefined>(null, undefined, 0, -5, new Date(0)))
const tags = fc.subarray(['t', 'u'])
const algorithms = fc.constantFrom('fixed-window', 'sliding-window', 'token-bucket')
const deltas = fc.constantFrom(1, -1, 0, 0.1, 0.2, -0.3, 1e-7, 9007199254740991, 5e-324)
const options: fc.Arbitrary<GetOrSetOptions> = fc.oneof(
  fc.record({ expiration: ttls, tags, stale: fc.constantFrom(undefined, 0, 2_000, null) }),
  fc.record({ expiration: ttls, maxAge: spans, beta: fc.constantFrom(0, 1) }),
  fc.record({ expiration: spans, sliding: fc.constant(true), maxAge: fc.option(spans, { nil: undefined }), tags }),
)

const computations: fc.Arbitrary<(cache: Cache, fill: Fill) => unknown> = fc.oneof(
  values.map((value) => () => value),
  fc.constant(() => Promise.reject(Object.assign(new Error('origin failed'), { code: 'ORIGIN' }))),
  fc.tuple(values, ttls, tags).map(([value, ttl, more]) => (_: Cache, fill: Fill) => {
    if (ttl !== undefined) fill.expireIn(ttl)
    fill.tag(...more)
    return value
  }),
  values.map((value) => (_: Cache, fill: Fill) => {
    fill.skip()
    return value
  }),
  fc.tuple(keys, values).map(([key, value]) => async (cache: Cache) => {
    await cache.set(key, 'written meanwhile')
    return value
  }),
  fc.tuple(fc.constantFrom('t', 'u'), values).map(([tag, value]) => async (cache: Cache) => {
    await cache.invalidate(tag)
    return value
  }),
)

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(keys, values, ttls, tags).map(
    ([key, value, expiration, tags]): Step =>
      (cache) =>
        cache.set(key, value, { expiration, tags }),
  ),
  fc.tuple(fc.dictionary(keys, values), ttls, tags).map(
    ([all, expiration, tags]): Step =>
      (cache) =>
        cache.setMany(all, { expiration, tags }),
  ),
  fc.tuple(keys, values, ttls, tags).map(
    ([key, value, expiration, tags]): Step =>
      (cache) =>
        cache.add(key, value, { expiration, tags }),
  ),
  fc.tuple(keys, ttls).map(
    ([key, expiration]): Step =>
      (cache) =>
        cache.touch(key, expiration),
  ),
  fc.tuple(keys, deltas, ttls).map(
    ([key, delta, expiration]): Step =>
      (cache) =>
        cache.increment(key, delta, { expiration }),
  ),
  fc.tuple(keys, deltas, spans).map(
    ([key, delta, expiration]): Step =>
      (cache) =>
        cache.decrement(key, delta, { expiration, sliding: true }),
  ),
  fc.tuple(keys, fc.integer({ min: 0, max: 3 }), spans).map(
    ([key, limit, period]): Step =>
      async (cache) => {
        const { resetAt: _, resetMs: __, retryMs: ___, ...answer } = await cache.limit(key, { limit, period })
        return answer
      },
  ),
  fc.tuple(keys, algorithms, fc.integer({ min: 1, max: 5 }), fc.integer({ min: -2, max: 6 }), spans).map(
    ([key, algorithm, limit, cost, period]): Step =>
      async (cache) => {
        const bucket = algorithm === 'token-bucket' ? { refill: Math.min(2, limit) } : {}
        // A counter of another rule can make a window that begins at this very instant. Its remaining calls then differ
        // within the first millisecond.
        const own = algorithm === 'fixed-window' ? key : `${key} ${algorithm} ${period}`
        const { allowed, remaining } = await cache.limit(own, { limit, period, algorithm, cost, ...bucket })
        return { allowed, remaining }
      },
  ),
  keys.map(
    (key): Step =>
      (cache) =>
        cache.get(key),
  ),
  fc.tuple(keys, spans).map(
    ([key, sliding]): Step =>
      (cache) =>
        cache.get(key, { sliding, fallback: 'none' }),
  ),
  fc.array(keys).map(
    (all): Step =>
      async (cache) => [...(await cache.getMany(all))],
  ),
  keys.map(
    (key): Step =>
      (cache) =>
        cache.pull(key),
  ),
  keys.map(
    (key): Step =>
      (cache) =>
        cache.delete(key),
  ),
  fc.array(keys).map(
    (all): Step =>
      (cache) =>
        cache.deleteMany(all),
  ),
  fc.constantFrom('t', 'u').map(
    (tag): Step =>
      (cache) =>
        cache.invalidate(tag),
  ),
  fc.tuple(keys, computations, options).map(
    ([key, compute, options]): Step =>
      (cache) =>
        cache.getOrSet(key, (fill) => compute(cache, fill), options),
  ),
  fc.constant<Step>(async (cache) => void (await cache.clearExpired({ batch: 2 }))),
  fc.constant<Step>((cache) => cache.namespace('nested').clear()),
  fc.constantFrom(500_300, 1_000_700, 2_500_900).map(
    (ms): Step =>
      (_, store) =>
        store.advance(ms),
  ),
)

/** The live entries, in key order. */
async function contents(cache: Cache) {
  const { entries } = await cache.list({ state: 'live' })
  return entries.map(({ key, tags, expiresAt }) => ({ key, tags: [...tags].sort(), isPermanent: expiresAt === null }))
}

let postgres: StoreUnderTest
beforeAll(async () => {
  postgres = await postgresStore(drizzle(createPool(await createDatabase())))
})

it('the memory cache answers like Postgres: 120 sequences of up to 40 operations', {
  timeout: 240_000,
}, async () => {
  const memory = memoryStore()
  const answer = async (step: Step, cache: Cache, store: StoreUnderTest) => {
    try {
      return { value: await step(cache, store) }
    } catch (error) {
      return { code: (error as { code: string }).code }
    }
  }
  let answers = 0
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 40 }), async (sequence) => {
      await Promise.all([memory.reset(), postgres.reset()])
      const random = () => 0.5
      const caches = [await memory.create({ random }), await postgres.create({ random })] as const
      for (const step of sequence) {
        const [own, expected] = await Promise.all([answer(step, caches[0], memory), answer(step, caches[1], postgres)])
        expect(own).toEqual(expected)
        answers++
      }
      expect(await contents(caches[0])).toEqual(await contents(caches[1]))
      expect(await caches[0].count()).toBe(await caches[1].count())
    }),
    { numRuns: 120 },
  )
  expect(answers).toBeGreaterThan(1_500)
})
