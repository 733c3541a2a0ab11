/** How `rateLimit` uses Hono's context. The tests in test/rate-limit cover the counting. */
import { Hono } from 'hono'
import type { Cache } from 'pgstash'
import { rateLimit as limitHandler } from 'pgstash/fetch'
import { addressKey, type RateLimitOptions, rateLimit, rateLimitKey } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { cost, createMigratedStash, emptied, members, PATIENCE_MS, statuses } from '../../rate-limit/limits.ts'
import { advance } from '../../setup/postgres-store.ts'

let stash: Awaited<ReturnType<typeof createMigratedStash>>
let cache: Cache
beforeAll(async () => {
  stash = await createMigratedStash()
  cache = stash.cache
})
beforeEach(() => emptied(stash))

const TWO = { limit: 2, period: '1m', name: 'two', key: () => 'client', timeout: PATIENCE_MS } as const

function limited(options: Partial<RateLimitOptions> = {}) {
  return new Hono().use(rateLimit({ cache, ...TWO, ...options })).get('/', (c) => c.text('welcome'))
}

describe('a limit', () => {
  it('allows as many requests as the limit, then none until the window ends', async () => {
    const app = limited()
    expect(await statuses(app, 4)).toEqual([200, 200, 429, 429])
    await advance(stash.db, 30_000)
    expect(await statuses(app, 1)).toEqual([429])
    await advance(stash.db, 31_000)
    expect(await statuses(app, 3)).toEqual([200, 200, 429])
  })

  it('costs one round trip, and does not run the handler for a refused request', async () => {
    const handler = vi.fn((c) => c.text('welcome'))
    const app = new Hono().use(rateLimit({ cache, ...TWO, limit: 1 })).get('/', handler)
    expect(await statuses(app, 3)).toEqual([200, 429, 429])
    expect(cost(stash.faults)).toEqual({ requests: 3, statements: 3 })
    expect(handler).toHaveBeenCalledOnce()
  })

  it('gets its cache, limit, key and exceptions from the context', async () => {
    type Env = { Bindings: { scope: string } }
    const app = new Hono<Env>()
      .use(
        rateLimit<Env>({
          ...TWO,
          cache: (c) => cache.namespace(c.env.scope),
          limit: async (c) => Number(c.req.query('limit')),
          key: async (c) => c.req.query('key') ?? '',
          skip: async (c) => c.req.query('health') !== undefined,
        }),
      )
      .get('/', (c) => c.text('welcome'))
    const status = async (scope: string, query: string) => (await app.request(`/?${query}`, {}, { scope })).status
    expect([await status('a', 'limit=1'), await status('a', 'limit=1')]).toEqual([200, 429])
    expect([await status('b', 'limit=1'), await status('a', 'limit=1&key=b')]).toEqual([200, 200])
    expect([await status('a', 'limit=9'), await status('a', 'limit=1&health')]).toEqual([200, 200])
  })

  it('shares its counters with the limits of pgstash/fetch', async () => {
    expect(await statuses(limited(), 1)).toEqual([200])
    const handle = limitHandler(() => new Response('welcome'), { cache, ...TWO })
    const call = async () => (await handle(new Request('https://example.com/'))).status
    expect([await call(), await call()]).toEqual([200, 429])
    expect(await cache.delete(rateLimitKey('two', 'client'))).toBe(true)
    expect(await statuses(limited(), 1)).toEqual([200])
  })
})

describe('the rate-limit headers', () => {
  it('list all limits that apply to a request, in order', async () => {
    const app = new Hono()
      .use(rateLimit({ cache, ...TWO, name: 'day', limit: 100, period: '1d' }))
      .use(rateLimit({ cache, ...TWO, name: 'minute', limit: 1 }))
      .get('/', () => new Response('plain'))
    const [passed, refused] = [await app.request('/'), await app.request('/')]
    for (const answer of [passed, refused]) {
      expect(members(answer, 'ratelimit-policy')).toEqual([
        ['day', { q: 100, w: 86_400 }],
        ['minute', { q: 1, w: 60 }],
      ])
    }
    expect(members(refused, 'ratelimit')).toMatchObject([
      ['day', { r: 98 }],
      ['minute', { r: 0 }],
    ])
    expect(await refused.json()).toMatchObject({ 'violated-policies': ['minute'] })
  })

  it.each<[string, () => Response | Promise<Response>]>([
    ['a plain response', () => new Response('plain', { headers: { 'x-own': 'kept' } })],
    ['a response whose headers cannot be changed', () => Response.redirect('https://example.com/', 302)],
    ['an empty response', () => new Response(null, { status: 204 })],
    [
      'the response of a proxy',
      () => new Response('', { headers: { ratelimit: '"origin";r=1', 'ratelimit-policy': '"origin";q=2' } }),
    ],
  ])('are on %s', async (_name, handler) => {
    const app = new Hono().use(rateLimit({ cache, ...TWO })).get('/', handler)
    const [plain, answer] = [await handler(), await app.request('/')]
    expect(answer.status).toBe(plain.status)
    expect(members(answer, 'ratelimit')).toMatchObject([['two', { r: 1 }], ...members(plain, 'ratelimit')])
    for (const name of ['x-own', 'location']) expect(answer.headers.get(name)).toBe(plain.headers.get(name))
  })

  it('are on error responses and on 404s', async () => {
    const app = limited()
      .get('/throws', () => {
        throw new Error('handler failed')
      })
      .onError((_error, c) => c.text('sorry', 500))
    const [thrown, missing] = [await app.request('/throws'), await app.request('/missing')]
    expect([thrown.status, missing.status]).toEqual([500, 404])
    expect([members(thrown, 'ratelimit'), members(missing, 'ratelimit')]).toMatchObject([
      [['two', { r: 1 }]],
      [['two', { r: 0 }]],
    ])
  })

  it.each<[string, (response: Response) => unknown]>([
    ['whose body has been read', (response) => response.text()],
    ['whose body is being read', (response) => response.body?.getReader()],
    ['of a protocol switch', (response) => Object.defineProperty(response, 'status', { value: 101 })],
    ['with a workerd socket', (response) => Object.defineProperty(response, 'webSocket', { value: {} })],
    ['that has been written', ({ headers }) => headers.set('x-hono-already-sent', 'true')],
  ])('are not added to a response %s, which stays unchanged', async (_name, change) => {
    const own = new Response('body')
    await change(own)
    const app = new Hono().use(rateLimit({ cache, ...TWO })).get('/', () => own)
    expect(await app.request('/')).toBe(own)
    expect(own.headers.has('ratelimit')).toBe(false)
  })
})

describe('a refused request', () => {
  it('keeps the headers that outer middleware set', async () => {
    const app = new Hono()
      .use(async (c, next) => {
        c.header('x-before', 'kept')
        await next()
      })
      .use(rateLimit({ cache, ...TWO, limit: 0 }))
    const answer = await app.request('/')
    expect([answer.headers.get('x-before'), answer.headers.get('content-type')]).toEqual([
      'kept',
      'application/problem+json',
    ])
  })

  it('gets no body for HEAD', async () => {
    const answer = await limited({ limit: 0 }).request('/', { method: 'HEAD' })
    expect([answer.status, await answer.text(), answer.headers.has('retry-after')]).toEqual([429, '', true])
  })

  it('gets the response of onLimit, which receives the context and the count', async () => {
    const onLimit = vi.fn<NonNullable<RateLimitOptions['onLimit']>>((c) => c.html('<p>Slow down</p>', 503))
    const answer = await limited({ limit: 0, onLimit }).request('/')
    expect([answer.status, await answer.text()]).toEqual([503, '<p>Slow down</p>'])
    expect(answer.headers.get('retry-after')).toMatch(/^(?:60|5\d)$/)
    expect(members(answer, 'ratelimit')).toMatchObject([['two', { r: 0 }]])
    expect(onLimit.mock.lastCall?.[1]).toMatchObject({
      allowed: false,
      count: 1,
      remaining: 0,
      resetAt: expect.any(Date),
    })
  })
})

describe('failures of rateLimit', () => {
  it('in the database reach onError with the context, and the request passes', async () => {
    const onError = vi.fn<NonNullable<RateLimitOptions['onError']>>()
    stash.faults.always({ kind: 'error', status: 500 })
    expect(await statuses(limited({ limit: 0, onError }), 1)).toEqual([200])
    expect(onError.mock.calls).toMatchObject([[{ code: 'DATABASE' }, { req: { path: '/' } }]])
  })

  it('in the database reach app.onError with failOpen: false', async () => {
    const app = limited({ failOpen: false }).onError((error, c) => c.text(error.name, 503))
    stash.faults.always({ kind: 'error', status: 500 })
    const answer = await app.request('/')
    expect([answer.status, await answer.text()]).toEqual([503, 'DatabaseError'])
  })

  it.each<[string, object, string]>([
    ['a key that is not a string', { key: () => undefined }, 'InvalidKeyError'],
    ['a key that is not an address', { key: () => addressKey(undefined) }, 'InvalidKeyError'],
    ['an onLimit that returns nothing', { limit: 0, onLimit: () => {} }, 'InvalidOptionError'],
    ['a cache that is not found', { cache: () => undefined }, 'InvalidOptionError'],
  ])('in a request are thrown even with failOpen: %s', async (_name, options, error) => {
    const app = limited(options).onError((thrown, c) => c.text(thrown.name, 500))
    const answer = await app.request('/')
    expect([answer.status, await answer.text()]).toEqual([500, error])
  })

  it.each<[string, unknown]>([
    ['no options', undefined],
    ['null', null],
    ['a number', 5],
    ['an onLimit that is not a function', { onLimit: 429 }],
    ['an unknown option', { windowMs: 60_000 }],
    ['a negative limit', { limit: -1 }],
  ])('in the options are thrown at once: %s', (_name, options) => {
    const given = typeof options === 'object' && options !== null ? { cache, ...TWO, ...options } : options
    expect(() => rateLimit(given as RateLimitOptions)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
