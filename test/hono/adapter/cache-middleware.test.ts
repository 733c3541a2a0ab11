import { type ExecutionContext, Hono } from 'hono'
import { type Cache, createCache, withMetrics } from 'pgstash'
import { type CacheVariables, cacheMiddleware } from 'pgstash/hono'
import { migrate } from 'pgstash/migrate'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createStash } from '../../rate-limit/limits.ts'
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
  await cache.clear()
  faults.reset()
})

interface Bindings {
  SCOPE: string
}
type Env = { Bindings: Bindings; Variables: CacheVariables }

const STALE = { expiration: '1m', stale: '1h' } as const

/** An execution context like a platform's. It records the promises that it must keep alive. */
function execution() {
  const background: Promise<unknown>[] = []
  const context: ExecutionContext = {
    waitUntil(work) {
      // As on Workers, the method throws when it is called without its object.
      if (this !== context) throw new TypeError('Illegal invocation')
      background.push(work)
    },
    passThroughOnException() {},
    props: {},
  }
  return { context, background }
}

/** Answers with the cached value, or with the last part of the path. Values may be served stale for an hour. */
function pages(middleware = cacheMiddleware<Bindings>({ cache })) {
  return new Hono<Env>()
    .use(middleware)
    .get('/:value', async (c) => c.text(await c.var.cache.getOrSet('page', () => c.req.param('value'), STALE)))
}

describe('the cache on the context', () => {
  it('is created once, from the bindings, at the first request', async () => {
    const make = vi.fn((env: Bindings) => cache.namespace(env.SCOPE))
    const app = new Hono<Env>()
      .use(cacheMiddleware({ cache: make }))
      .get('/', async (c) => c.json(await c.var.cache.increment('visits')))
    expect(make).not.toHaveBeenCalled()
    for (const visits of [1, 2]) {
      expect(await (await app.request('/', {}, { SCOPE: 'a' }, execution().context)).json()).toBe(visits)
    }
    expect(make).toHaveBeenCalledOnce()
    expect(await cache.namespace('a').get('visits')).toBe(2)
  })

  it('is created again at the next request if creating it failed', async () => {
    const make = vi.fn((_env: Bindings) => cache)
    make.mockImplementationOnce(() => {
      throw new Error('DATABASE_URL is not set')
    })
    const app = pages(cacheMiddleware({ cache: make })).onError((error, c) => c.text(error.message, 500))
    expect(await (await app.request('/one', {}, { SCOPE: '' })).text()).toBe('DATABASE_URL is not set')
    expect(await (await app.request('/one', {}, { SCOPE: '' })).text()).toBe('one')
  })

  it('is typed for handlers that follow in a chain', async () => {
    const app = new Hono().use(cacheMiddleware({ cache })).get('/', async (c) => {
      const typed: Cache = c.var.cache
      return c.json(await typed.has('missing'))
    })
    expect(await (await app.request('/')).json()).toBe(false)
  })

  it('makes no database request', async () => {
    const app = new Hono().use(cacheMiddleware({ cache })).get('/', (c) => c.text('plain'))
    await app.request('/', {}, {}, execution().context)
    expect(faults.requests).toBe(0)
  })

  it('is the cache itself if the platform has no execution context', async () => {
    const app = new Hono().use(cacheMiddleware({ cache })).get('/', (c) => c.json(c.var.cache === cache))
    expect(await (await app.request('/')).json()).toBe(true)
  })

  it('refuses a value that is not a cache', async () => {
    const refused = expect.objectContaining({ code: 'INVALID_OPTION' })
    for (const options of [undefined, {}, { cache: {} }, { cache, waitUntil: () => {} }]) {
      expect(() => cacheMiddleware(options as never)).toThrow(refused)
    }
    const app = pages(cacheMiddleware({ cache: (() => ({})) as never })).onError((error, c) => c.text(error.name, 500))
    expect(await (await app.request('/one')).text()).toBe('InvalidOptionError')
  })
})

describe('background work', () => {
  it('is kept alive by the request that started it, although requests share the cache', async () => {
    const app = pages()
    const [first, second, third] = [execution(), execution(), execution()]
    const answer = async (value: string, { context }: typeof first) =>
      (await app.request(`/${value}`, {}, {}, context)).text()
    expect(await answer('old', first)).toBe('old')
    await Promise.all(first.background.splice(0))
    await advance(db, 61_000)
    expect(await answer('new', second)).toBe('old')
    // The read that may claim the lease, and the refresh.
    expect([first.background, second.background].map(({ length }) => length)).toEqual([0, 2])
    await Promise.all(second.background)
    expect(await answer('newer', third)).toBe('new')
    expect(third.background).toHaveLength(1)
  })

  it('is kept alive in nested namespaces too', async () => {
    const app = new Hono<Env>().use(cacheMiddleware({ cache })).get('/:value', async (c) => {
      const nested = c.var.cache.namespace('a').namespace('b')
      return c.text(await nested.getOrSet('page', () => c.req.param('value'), STALE))
    })
    await app.request('/old')
    await advance(db, 61_000)
    const { context, background } = execution()
    expect(await (await app.request('/new', {}, {}, context)).text()).toBe('old')
    await Promise.all(background)
    expect(await cache.namespace('a').namespace('b').get('page')).toBe('new')
  })

  it('uses the waitUntil of the cache or the call if the platform has no context or the call has one', async () => {
    const [ofTheCache, ofTheCall]: [Promise<unknown>[], Promise<unknown>[]] = [[], []]
    const own = createCache(db, { waitUntil: (work) => ofTheCache.push(work) })
    await own.getOrSet('page', 'old', STALE)
    await advance(db, 61_000)
    expect(await (await pages(cacheMiddleware({ cache: own })).request('/new')).text()).toBe('old')
    expect(ofTheCache).not.toEqual([])
    await Promise.all(ofTheCache)
    await advance(db, 61_000)
    const app = new Hono().use(cacheMiddleware({ cache: own })).get('/', async (c) => {
      const waitUntil = (work: Promise<unknown>) => void ofTheCall.push(work)
      return c.text(await c.var.cache.getOrSet('page', 'newer', { ...STALE, waitUntil }))
    })
    const { context, background } = execution()
    expect(await (await app.request('/', {}, {}, context)).text()).toBe('new')
    expect([background.length, ofTheCall.length]).toEqual([0, 2])
    await Promise.all(ofTheCall)
  })

  it('is kept alive in versioned namespaces', async () => {
    const app = new Hono().use(cacheMiddleware({ cache })).get('/', async (c) => {
      await c.var.cache.namespace('a', { version: 2 }).set('key', 'second')
      return c.json((await c.var.cache.namespace('a').get('key')) ?? null)
    })
    expect(await (await app.request('/', {}, {}, execution().context)).json()).toBe(null)
    expect(await cache.namespace('a', { version: 2 }).get('key')).toBe('second')
  })

  it('works for a class with private fields', async () => {
    class Wrapped {
      readonly #cache: Cache = cache
      get(key: string) {
        return this.#cache.get(key)
      }
      getOrSet(...[key, compute, options]: Parameters<Cache['getOrSet']>) {
        return this.#cache.getOrSet(key, compute, options)
      }
      namespace() {
        return new Wrapped()
      }
    }
    const wrapped = Object.freeze(new Wrapped()) as unknown as Cache
    const app = new Hono().use(cacheMiddleware({ cache: wrapped })).get('/', async (c) => {
      await c.var.cache.getOrSet('key', 'value')
      return c.json([await c.var.cache.get('key'), await c.var.cache.namespace('a').get('key')])
    })
    expect(await (await app.request('/', {}, {}, execution().context)).json()).toEqual(['value', 'value'])
  })

  it('does not change the cache itself', async () => {
    const metered = withMetrics(cache)
    const app = new Hono().use(cacheMiddleware({ cache: metered })).get('/', async (c) => {
      const { cache } = c.var
      await cache.set('key', 'value')
      const refused = await cache
        .getOrSet('key', 1, 'no options' as never)
        .catch((error: { code: string }) => error.code)
      return c.json([
        await cache.get('key'),
        await cache.entry('key').exists(),
        (await cache.list()).entries.length,
        refused,
      ])
    })
    const answer = await app.request('/', {}, {}, execution().context)
    expect(await answer.json()).toEqual(['value', true, 1, 'INVALID_OPTION'])
    expect(metered.metrics()).toMatchObject({ hits: 2, misses: 0 })
  })
})
