import { Hono } from 'hono'
import { type Cache, createCache, DatabaseError, DatabaseTimeoutError } from 'pgstash'
import { addressKey, type RateLimitOptions, rateLimit, rateLimitKey } from 'pgstash/hono'
import { migrate } from 'pgstash/migrate'
import type { Faults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDatabase } from '../../setup/databases.ts'
import { advance } from '../../setup/postgres-store.ts'
import { cost, counters, createStash, members, PATIENCE_MS, statuses } from '../limits.ts'

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

const TWO = { limit: 2, period: '1m', name: 'two', key: () => 'client', timeout: PATIENCE_MS } as const

function limited(options: Partial<RateLimitOptions> = {}) {
  return new Hono().use(rateLimit({ cache, ...TWO, ...options })).get('/', (c) => c.text('welcome'))
}

describe('a limit', () => {
  it('lets the limit of requests through, then none until the window ends', async () => {
    const app = limited()
    expect(await statuses(app, 4)).toEqual([200, 200, 429, 429])
    await advance(db, 30_000)
    expect(await statuses(app, 1)).toEqual([429])
    await advance(db, 31_000)
    expect(await statuses(app, 3)).toEqual([200, 200, 429])
  })

  it('costs one round trip of one statement, whether a request passes or not', async () => {
    const app = limited({ limit: 1 })
    for (const status of [200, 429, 429]) {
      faults.reset()
      expect(await statuses(app, 1)).toEqual([status])
      expect(cost(faults)).toEqual({ requests: 1, statements: 1 })
    }
  })

  it('of 0 lets no request through', async () => {
    expect(await statuses(limited({ limit: 0 }), 2)).toEqual([429, 429])
  })

  it('does not run the handler for a refused request', async () => {
    const handler = vi.fn((c) => c.text('welcome'))
    const app = new Hono().use(rateLimit({ cache, ...TWO, limit: 1 })).get('/', handler)
    await statuses(app, 3)
    expect(handler).toHaveBeenCalledOnce()
  })

  it('counts each key separately, and calls key once per request', async () => {
    const key = vi.fn(async (c) => c.req.header('x-user') ?? '')
    const app = limited({ limit: 1, key })
    const as = (user: string) => statuses(app, 2, '/', { headers: { 'x-user': user } })
    expect([await as('ada'), await as('bob'), await as('')]).toEqual(Array(3).fill([200, 429]))
    expect(key).toHaveBeenCalledTimes(6)
  })

  it('may depend on the client', async () => {
    const app = limited({
      limit: async (c) => (c.req.query('plan') === 'pro' ? 3 : 1),
      key: (c) => c.req.query('plan') ?? '',
    })
    expect(await statuses(app, 4, '/?plan=pro')).toEqual([200, 200, 200, 429])
    expect(await statuses(app, 2, '/?plan=free')).toEqual([200, 429])
  })

  it('of 50 lets exactly 50 of 200 parallel requests through', async () => {
    const app = limited({ limit: 50 })
    const answers = await Promise.all(Array.from({ length: 200 }, () => app.request('/')))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(50)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(150)
    const left = answers.map((answer) => members(answer, 'ratelimit')[0]?.[1].r)
    expect(new Set(left)).toEqual(new Set(Array.from({ length: 50 }, (_, i) => i)))
    for (const answer of answers) expect(members(answer, 'ratelimit')[0]?.[1].t).toBeLessThanOrEqual(60)
    expect(faults.requests).toBe(200)
  })

  it('neither counts nor refuses skipped requests, and sends nothing for them', async () => {
    const app = limited({ limit: 0, skip: async (c) => c.req.query('health') !== undefined })
    const answer = await app.request('/?health')
    expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, null])
    expect(faults.requests).toBe(0)
    expect(await statuses(app, 1)).toEqual([429])
  })

  it('gets its cache from the context', async () => {
    type Env = { Bindings: { scope: string } }
    const app = new Hono<Env>()
      .use(rateLimit<Env>({ ...TWO, cache: (c) => cache.namespace(c.env.scope), limit: 1 }))
      .get('/', (c) => c.text('welcome'))
    const status = async (scope: string) => (await app.request('/', {}, { scope })).status
    expect([await status('a'), await status('b'), await status('a')]).toEqual([200, 200, 429])
  })

  it('accepts keys that a database cannot store, and very long keys', async () => {
    const app = limited({ limit: 1, key: (c) => JSON.parse(`"${c.req.query('key')}"`) })
    for (const key of ['\\u0000', '\\ud800', 'x'.repeat(5_000)]) {
      await cache.clear()
      expect(await statuses(app, 2, `/?key=${encodeURIComponent(key)}`)).toEqual([200, 429])
    }
  })
})

describe('the counters', () => {
  it('of different limits on one key are not shared', async () => {
    const make = (limit: number, period: number) => limited({ name: undefined, limit, period })
    expect(await statuses(make(1, 60), 2)).toEqual([200, 429])
    expect(await statuses(make(2, 60), 3)).toEqual([200, 200, 429])
    expect(await statuses(make(1, 61.5), 2)).toEqual([200, 429])
    expect(await statuses(limited({ name: undefined, limit: () => 1 }), 2)).toEqual([200, 429])
    expect(await counters(cache)).toEqual([
      'rate-limit:1-per-60s:client',
      'rate-limit:1-per-61.5s:client',
      'rate-limit:2-per-60s:client',
      'rate-limit:per-60s:client',
    ])
  })

  it('of one name are shared by all middleware and isolates', async () => {
    expect(await statuses(limited(), 1)).toEqual([200])
    expect(await statuses(limited(), 2)).toEqual([200, 429])
  })

  it('survive a change of a named limit', async () => {
    await statuses(limited({ limit: 2 }), 2)
    expect(await statuses(limited({ limit: 3 }), 2)).toEqual([200, 429])
  })

  it('are reset by deleting rateLimitKey', async () => {
    const app = limited({ limit: 1, key: () => 'a:b\0' })
    await statuses(app, 1)
    expect(await cache.delete(rateLimitKey('two', 'a:b\0'))).toBe(true)
    expect(await statuses(app, 2)).toEqual([200, 429])
  })

  it('end with their window, so that cleanup can remove them', async () => {
    await statuses(limited(), 1)
    await advance(db, 61_000)
    expect(await cache.clearExpired()).toEqual({ removed: 1, more: false })
  })
})

describe('the header fields', () => {
  it('state the limit and the rest on every response', async () => {
    const app = limited()
    const first = await app.request('/')
    expect(first.headers.get('ratelimit-policy')).toBe('"two";q=2;w=60')
    expect(first.headers.get('ratelimit')).toMatch(/^"two";r=1;t=(?:60|5\d)$/)
    expect(first.headers.has('retry-after')).toBe(false)
    const left = [members(await app.request('/'), 'ratelimit'), members(await app.request('/'), 'ratelimit')]
    expect(left).toMatchObject([[['two', { r: 0 }]], [['two', { r: 0 }]]])
  })

  it('state the seconds to wait, rounded up', async () => {
    const app = limited({ limit: 0 })
    await app.request('/')
    await advance(db, 29_500)
    const refused = await app.request('/')
    expect(refused.headers.get('retry-after')).toMatch(/^(?:31|30|2\d)$/)
    expect(members(refused, 'ratelimit')).toEqual([['two', { r: 0, t: Number(refused.headers.get('retry-after')) }]])
  })

  it.each([-86_400_000, 86_400_000])("do not depend on the isolate's clock, which is off by %d ms", async (off) => {
    const real = Date.now
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => real() + off)
    const app = limited({ limit: 1 })
    const [passed, refused] = [await app.request('/'), await app.request('/')]
    clock.mockRestore()
    expect([passed.status, refused.status]).toEqual([200, 429])
    for (const answer of [passed, refused])
      expect(members(answer, 'ratelimit')[0]?.[1].t).toSatisfy((t: number) => t > 50 && t <= 60)
    expect(refused.headers.get('retry-after')).toMatch(/^(?:60|5\d)$/)
  })

  it('list all limits that a request met, in order', async () => {
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
    expect(members(passed, 'ratelimit')).toMatchObject([
      ['day', { r: 99 }],
      ['minute', { r: 0 }],
    ])
    expect(members(refused, 'ratelimit')).toMatchObject([
      ['day', { r: 98 }],
      ['minute', { r: 0 }],
    ])
    expect(await refused.json()).toMatchObject({ 'violated-policies': ['minute'] })
  })

  it.each<[string, () => Response | Promise<Response>]>([
    ['a plain response', () => new Response('plain', { headers: { 'x-own': 'kept' } })],
    ['a response whose headers cannot be changed', () => Response.redirect('https://example.com/', 302)],
    ['an empty one', () => new Response(null, { status: 204 })],
    [
      'that of a proxy',
      () => new Response('', { headers: { ratelimit: '"origin";r=1', 'ratelimit-policy': '"origin";q=2' } }),
    ],
  ])('are on %s', async (_name, handler) => {
    const app = new Hono().use(rateLimit({ cache, ...TWO })).get('/', handler)
    const [plain, answer] = [await handler(), await app.request('/')]
    expect(answer.status).toBe(plain.status)
    expect(members(answer, 'ratelimit')).toMatchObject([['two', { r: 1 }], ...members(plain, 'ratelimit')])
    for (const name of ['x-own', 'location']) expect(answer.headers.get(name)).toBe(plain.headers.get(name))
  })

  it('are on responses to errors and to unknown paths', async () => {
    const app = limited()
      .get('/throws', () => {
        throw new Error('of the handler')
      })
      .onError((_error, c) => c.text('sorry', 500))
    const [thrown, missing] = [await app.request('/throws'), await app.request('/missing')]
    expect([thrown.status, missing.status]).toEqual([500, 404])
    expect([members(thrown, 'ratelimit'), members(missing, 'ratelimit')]).toMatchObject([
      [['two', { r: 1 }]],
      [['two', { r: 0 }]],
    ])
  })

  it('are omitted with headers: false, but Retry-After is not', async () => {
    const app = limited({ headers: false, limit: 1 })
    const [passed, refused] = [await app.request('/'), await app.request('/')]
    for (const answer of [passed, refused]) {
      expect([answer.headers.has('ratelimit'), answer.headers.has('ratelimit-policy')]).toEqual([false, false])
    }
    expect(refused.headers.has('retry-after')).toBe(true)
  })
})

describe('a refusal', () => {
  it('is a 429 with problem details and no-store', async () => {
    const answer = await limited({ limit: 0 }).request('/')
    expect(answer.status).toBe(429)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Too many requests',
      status: 429,
      'violated-policies': ['two'],
    })
  })

  it('keeps the headers that middleware in front set', async () => {
    const app = new Hono()
      .use(async (c, next) => {
        c.header('x-before', 'kept')
        await next()
      })
      .use(rateLimit({ cache, ...TWO, limit: 0 }))
    expect((await app.request('/')).headers.get('x-before')).toBe('kept')
  })

  it('has no body for HEAD', async () => {
    const answer = await limited({ limit: 0 }).request('/', { method: 'HEAD' })
    expect([answer.status, await answer.text(), answer.headers.has('retry-after')]).toEqual([429, '', true])
  })

  it('may be the response of onLimit, which gets the count', async () => {
    const onLimit = vi.fn<NonNullable<RateLimitOptions['onLimit']>>((c) => c.html('<p>Slow down</p>', 503))
    const answer = await limited({ limit: 0, onLimit }).request('/')
    expect([answer.status, await answer.text()]).toEqual([503, '<p>Slow down</p>'])
    expect(answer.headers.get('retry-after')).toBe('60')
    expect(members(answer, 'ratelimit')).toMatchObject([['two', { r: 0 }]])
    expect(onLimit.mock.lastCall?.[1]).toMatchObject({
      allowed: false,
      count: 1,
      remaining: 0,
      resetAt: expect.any(Date),
    })
  })

  it('may be a redirect, and keeps its own Retry-After', async () => {
    const redirect = limited({ limit: 0, onLimit: () => Response.redirect('https://example.com/slow', 302) })
    expect((await redirect.request('/')).headers.get('location')).toBe('https://example.com/slow')
    const own = limited({
      limit: 0,
      onLimit: () => new Response('', { status: 429, headers: { 'retry-after': '7200' } }),
    })
    expect((await own.request('/')).headers.get('retry-after')).toBe('7200')
  })
})

describe('when the database fails', () => {
  const failures = [
    ['is down', { kind: 'reset' }],
    ['answers with an error', { kind: 'error', status: 500 }],
    ['answers with nonsense', { kind: 'error', status: 200, body: { rows: 'none' } }],
    ['breaks off its answer', { kind: 'truncate', bytes: 10 }],
    ['loses its answer', { kind: 'lose' }],
    ['hangs', { kind: 'hang' }],
  ] as const

  it.each(failures)('and %s, requests pass and onError gets the reason', async (_name, fault) => {
    const onError = vi.fn()
    const app = limited({ limit: 0, onError, timeout: 2_000 })
    faults.always(fault)
    const answer = await app.request('/')
    expect([answer.status, await answer.text()]).toEqual([200, 'welcome'])
    expect([answer.headers.has('ratelimit'), answer.headers.has('ratelimit-policy')]).toEqual([false, false])
    expect(onError.mock.calls).toMatchObject([[{ code: expect.stringMatching(/^(?:DATABASE|TIMEOUT)$/) }, {}]])
    faults.heal()
    expect(await statuses(app, 1)).toEqual([429])
  })

  it.each(failures)('and %s, requests get the error with failOpen: false', async (_name, fault) => {
    const [onError, handler] = [vi.fn(), vi.fn()]
    const app = new Hono()
      .use(rateLimit({ cache, ...TWO, failOpen: false, onError, timeout: 2_000 }))
      .get('/', handler)
      .onError((error, c) => c.text(error.name, 503))
    faults.always(fault)
    const answer = await app.request('/')
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringMatching(/^Database(?:Timeout)?Error$/)])
    expect(handler).not.toHaveBeenCalled()
    expect(onError).not.toHaveBeenCalled()
  })

  it('and hangs, requests wait no longer than the timeout, or the cache’s own', async () => {
    faults.always({ kind: 'hang' })
    const impatient = createCache(db, { timeout: 200 })
    for (const options of [{ timeout: 200 }, { cache: impatient }]) {
      const onError = vi.fn()
      const startedAt = performance.now()
      expect(await statuses(limited({ ...options, onError }), 1)).toEqual([200])
      expect(performance.now() - startedAt).toBeLessThan(5_000)
      expect(onError.mock.calls).toMatchObject([[expect.any(DatabaseTimeoutError), {}]])
    }
  })

  it('without onError, the console gets the reason', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    faults.always({ kind: 'error', status: 500 })
    expect(await statuses(limited(), 1)).toEqual([200])
    expect(log.mock.calls).toEqual([[expect.any(DatabaseError)]])
    log.mockRestore()
  })

  it('a failure of onError itself, synchronous or not, changes nothing', async () => {
    faults.always({ kind: 'error', status: 500 })
    const failing = () => {
      throw new Error('of the listener')
    }
    for (const onError of [failing, async () => failing()])
      expect(await statuses(limited({ onError }), 1)).toEqual([200])
  })

  it('because its tables do not exist, requests pass and onError gets the reason', async () => {
    const onError = vi.fn()
    const { cache: empty } = await createStash(await createDatabase())
    expect(await statuses(limited({ cache: empty, onError }), 1)).toEqual([200])
    expect(onError.mock.calls).toMatchObject([[{ sqlState: '42P01' }, {}]])
  })

  it('a request whose answer was lost is not counted twice', async () => {
    faults.next({ kind: 'lose' })
    const app = limited({ limit: 2, onError: () => {} })
    expect(await statuses(app, 3)).toEqual([200, 200, 429])
  })
})

describe('mistakes', () => {
  const wrong: [string, object, string?][] = [
    ['no cache', { cache: undefined }],
    ['a cache that is none', { cache: {} }],
    ['no limit', { limit: undefined }],
    ['a limit below zero', { limit: -1 }],
    ['a limit with a fraction', { limit: 1.5 }],
    ['a limit of infinity', { limit: Number.POSITIVE_INFINITY }],
    ['no period', { period: undefined }, 'InvalidExpirationError'],
    ['a period of zero', { period: 0 }, 'InvalidExpirationError'],
    ['a period without an end', { period: null }, 'InvalidExpirationError'],
    ['no key', { key: undefined }],
    ['a key that is no function', { key: 'client' }],
    ['an empty name', { name: '' }],
    ['a name that would break the fields', { name: 'a"b' }],
    ['a name that would meet others', { name: 'a:b' }],
    ['a name that is too long', { name: 'x'.repeat(65) }],
    ['a name with a line break', { name: 'a\n' }],
    ['fields of an unknown draft', { headers: 'draft-6' }],
    ['fields that are just true', { headers: true }],
    ['a skip that is no function', { skip: true }],
    ['an onLimit that is no function', { onLimit: 429 }],
    ['an onError that is no function', { onError: 'log' }],
    ['a failOpen that is no boolean', { failOpen: 'no' }],
    ['a timeout of zero', { timeout: 0 }],
    ['a timeout beyond timers', { timeout: 2 ** 31 }],
    ['an option that does not exist', { windowMs: 60_000 }],
  ]

  it.each(wrong)('are refused at once: %s', (_name, options, error = 'InvalidOptionError') => {
    expect(() => limited(options)).toThrow(expect.objectContaining({ name: error }))
  })

  it('are refused at once: no options', () => {
    for (const options of [undefined, null, 5]) {
      expect(() => rateLimit(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    }
  })

  it.each<[string, object, string]>([
    ['a key that is no string', { key: () => undefined }, 'InvalidKeyError'],
    ['a key that is no address', { key: () => addressKey(undefined) }, 'InvalidKeyError'],
    ['a limit that is no number', { limit: () => undefined }, 'InvalidOptionError'],
    ['an onLimit that answers nothing', { limit: 0, onLimit: () => {} }, 'InvalidOptionError'],
    ['a cache that is not found', { cache: () => undefined }, 'InvalidOptionError'],
  ])('of a request are thrown even with failOpen: %s', async (_name, options, error) => {
    const app = limited(options).onError((thrown, c) => c.text(thrown.name, 500))
    const answer = await app.request('/')
    expect([answer.status, await answer.text()]).toEqual([500, error])
  })

  it('of the stored value are thrown', async () => {
    await cache.set(rateLimitKey('two', 'client'), 'text')
    const app = limited().onError((thrown, c) => c.text(thrown.name, 500))
    expect(await (await app.request('/')).text()).toBe('NotANumberError')
  })
})
