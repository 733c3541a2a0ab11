import {
  type Cache,
  createCache,
  createCacheManager,
  memoryCache,
  nullCache,
  platformCache,
  shardedCache,
  tieredCache,
  withMetrics,
} from 'pgstash'
import { migrate } from 'pgstash/migrate'
import type { Faults } from 'pgstash/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

const postgres = await createNeon(await createDatabase())
const faults: Faults = postgres.faults
beforeAll(() => migrate(postgres.db))

const STORES: [string, Cache][] = [
  ['createCache', createCache(postgres.db, { timeout: 60_000 })],
  ['memoryCache', memoryCache()],
  ['nullCache', nullCache()],
  ['tieredCache', tieredCache({ l1: memoryCache(), l2: memoryCache() })],
  ['shardedCache', shardedCache({ nodes: { a: memoryCache(), b: memoryCache() } })],
  ['createCacheManager', createCacheManager({ default: 'a', stores: { a: memoryCache() } })],
  ['withMetrics', withMetrics(memoryCache())],
  ['a namespace', createCache(postgres.db, { timeout: 60_000 }).namespace('a')],
  ['platformCache', platformCache() as Cache],
]

/** The maximum number of arguments of each method. */
const CALLS: Record<keyof Cache, unknown[]> = {
  get: ['k', {}],
  getMany: [['k']],
  has: ['k'],
  set: ['k', 1, {}],
  setMany: [{ k: 1 }, {}],
  add: ['k', 1, {}],
  getOrSet: ['k', 1, {}],
  touch: ['k', 60],
  increment: ['n', 1, {}],
  decrement: ['n', 1, {}],
  limit: ['l', { limit: 1, period: 1 }],
  pull: ['k'],
  delete: ['k'],
  deleteMany: [['k']],
  clear: [{ prefix: 'k' }],
  count: [{}],
  expiration: ['k'],
  invalidate: ['a'],
  snapshot: [],
  clearExpired: [{}],
  stats: [{}],
  list: [{}],
  namespace: ['n', {}],
  entry: ['k'],
}

describe.each(STORES)('a method of %s', (_name, cache) => {
  const methods = Object.entries(CALLS).filter(([name]) => name in cache)
  const call = async (name: string, args: unknown[]) => Reflect.apply(Reflect.get(cache, name), cache, args)

  it.each(methods)('refuses an extra argument before any request: %s', async (name, args) => {
    faults.reset()
    await expect(call(name, [...args, 'b'])).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(new RegExp(`^Expected .* of ${name}, got ${args.length + 1}\\.`)),
    })
    expect(faults.requests).toBe(0)
  })

  it.each(methods)('accepts all its arguments, and an undefined one: %s', async (name, args) => {
    await call(name, args)
    await call(name, [...args, undefined])
  })

  it('rejects and does not throw, if it returns a promise', async () => {
    const pending = Reflect.apply(cache.invalidate, cache, ['a', 'b'])
    await expect(pending).rejects.toThrow(
      "Expected one argument of invalidate, got 2. Pass several as a list: invalidate(['a', 'b']).",
    )
  })
})

it('a method passed to map reports that it received an array index', async () => {
  const cache = memoryCache()
  await expect(Promise.all(['a', 'b'].map(cache.get as never))).rejects.toThrow(
    'Expected at most 2 arguments of get, got 3.',
  )
})

describe.each(STORES.filter(([, cache]) => 'entry' in cache))('a handle of %s', (_name, cache) => {
  it('refuses an extra argument', async () => {
    const entry = cache.entry('k')
    for (const [name, args] of Object.entries({ exists: [], value: [], set: [1, {}], delete: [], reload: [] })) {
      const call = async (given: unknown[]) => Reflect.apply(Reflect.get(entry, name), entry, given)
      await call(args)
      await expect(call([...args, 'more'])).rejects.toThrow(`of ${name}, got ${args.length + 1}.`)
    }
  })
})
