import type { Context, MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { CacheEvent } from 'pgstash'
import type { ResponseCacheOptions } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, fresh, ownCache, type Site, status } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const SECOND = 1_000
const hello =
  (headers: Record<string, string> = {}) =>
  (c: Context) =>
    c.text('Hello', 200, headers)

describe('the option', () => {
  it('expiration is the lifetime of responses that state none', async () => {
    const plain = createApp(site, hello())
    expect(brief(await plain.fetch('/never'))).toBe('fwd=uri-miss;detail=not-reusable')
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, c.req.path === '/own' ? fresh : {}), {
      expiration: '10s',
    })
    for (const path of ['/a', '/own']) expect(brief(await fetch(path))).toBe('fwd=uri-miss;stored')
    await age(site, 20 * SECOND)
    expect([brief(await fetch('/a')), brief(await fetch('/own'))]).toEqual(['fwd=miss;stored', 'hit'])
  })

  it('sliding extends the deadline on hits, and writes only when an extension is due', async () => {
    const { fetch, calls } = createApp(site, hello(), { expiration: '100s', sliding: true })
    const written = async () =>
      (await site.db.execute<{ updated: string }>('select updated_at::text as updated from cache_entries')).rows[0]
        ?.updated
    await fetch('/a')
    await age(site, 10 * SECOND)
    const before = await written()
    await fetch('/a')
    expect(await written()).toBe(before)
    for (let i = 0; i < 10; i++) {
      await age(site, 90 * SECOND)
      expect(brief(await fetch('/a'))).toBe('hit')
      expect(site.faults.requests).toBe(1)
    }
    expect(await written()).not.toBe(before)
    await age(site, 126 * SECOND)
    await fetch('/a')
    expect(calls).toHaveLength(2)
  })

  it('sliding ignores responses that state their lifetime', async () => {
    const { fetch, calls } = createApp(site, hello(fresh), { expiration: '1h', sliding: true })
    for (let i = 0; i < 3; i++) {
      await fetch('/a')
      await age(site, 25 * SECOND)
    }
    await fetch('/a')
    expect(calls).toHaveLength(2)
  })

  it('maxAge bounds the age of a sliding response, however often it is hit', async () => {
    const { fetch, calls } = createApp(site, hello(), { expiration: '100s', sliding: true, maxAge: '250s' })
    for (let i = 0; i < 3; i++) {
      expect(brief(await fetch('/a'))).toMatch(i === 0 ? /stored/ : /^hit/)
      await age(site, 75 * SECOND)
    }
    expect(brief(await fetch('/a'))).toBe('hit')
    await age(site, 30 * SECOND)
    await fetch('/a')
    expect(calls).toHaveLength(2)
  })

  it('stale serves a stale response at once and refreshes it in the background, with refresh and waitUntil', async () => {
    let version = 1
    const app = createApp(site, (c) => c.text(`v${version}`, 200, fresh), {
      stale: '1h',
      refresh: (request) => app.app.fetch(request),
    })
    await app.fetch('/a')
    version = 2
    await age(site, 70 * SECOND)
    const stale = await app.fetch('/a')
    expect([await stale.text(), status(stale)]).toEqual(['v1', expect.stringMatching(/^pgstash;hit;ttl=-\d+$/)])
    expect(app.calls).toHaveLength(2)
    expect([await (await app.fetch('/a')).text(), app.calls.length]).toEqual(['v2', 2])
  })

  it.each([
    ['without refresh', (): Partial<ResponseCacheOptions> => ({ stale: '1h' })],
    [
      'without waitUntil',
      (): Partial<ResponseCacheOptions> => ({ stale: '1h', waitUntil: undefined, refresh: () => new Response() }),
    ],
  ])('stale makes the request that won the refresh wait for it, %s', async (_name, options) => {
    let version = 1
    const { fetch } = createApp(site, (c) => c.text(`v${version}`, 200, fresh), options())
    await fetch('/a')
    version = 2
    await age(site, 70 * SECOND)
    expect(await (await fetch('/a')).text()).toBe('v2')
  })

  it.each([
    ['is answered by outer middleware', () => new Response('elsewhere')],
    [
      'throws before it reaches the cache',
      () => {
        throw new Error('broken')
      },
    ],
  ])(
    'a refresh that %s causes an error event, and the next request refreshes the response itself',
    async (_name, refresh) => {
      const events: CacheEvent[] = []
      const cache = ownCache(site, { onEvent: (event) => events.push(event) })
      const { fetch, calls } = createApp(site, hello(fresh), { cache, stale: '1h', refresh })
      await fetch('/a')
      await age(site, 70 * SECOND)
      expect([brief(await fetch('/a')), calls.length]).toEqual(['hit', 1])
      expect(events.filter(({ type }) => type === 'error')).toContainEqual(
        expect.objectContaining({ error: expect.objectContaining({ code: 'REFRESH' }) }),
      )
      expect([brief(await fetch('/a')), calls.length]).toEqual(['fwd=stale;stored', 2])
    },
  )

  it.each([
    ['answers 500', () => new Response('failed', { status: 500 }), 'answered with status 500'],
    [
      'throws',
      () => {
        throw new Error('broken')
      },
      'answered with status 500',
    ],
  ])(
    'a refresh whose handler %s causes an error event, and no request refreshes again for a moment',
    async (_name, fail, message) => {
      const events: CacheEvent[] = []
      const cache = ownCache(site, { onEvent: (event) => events.push(event) })
      let isBroken = false
      const handler = (c: Context) => (isBroken ? fail() : c.text('Hello', 200, fresh))
      const app = createApp(site, handler, { cache, stale: '1h', refresh: (request) => app.app.fetch(request) })
      await app.fetch('/a')
      isBroken = true
      await age(site, 70 * SECOND)
      for (const _ of [1, 2, 3]) expect(brief(await app.fetch('/a'))).toBe('hit')
      expect(app.calls).toHaveLength(2)
      const errors = events.filter(({ type }) => type === 'error')
      expect(errors).toMatchObject([{ error: { code: 'REFRESH', message: expect.stringContaining(message) } }])
    },
  )

  it('a refresh reaches its cache although outer middleware replaces every request', async () => {
    let version = 1
    const replace: MiddlewareHandler = async (c, next) => {
      c.req.raw = new Request(c.req.raw, { headers: { ...c.req.header(), 'x-added': 'yes' } })
      await next()
    }
    const app = createApp(
      site,
      (c) => c.text(`v${version} ${c.req.header('pgstash-refresh') ?? ''}`, 200, fresh),
      { stale: '1h', refresh: (request) => app.app.fetch(request) },
      { before: [replace] },
    )
    await app.fetch('/a')
    version = 2
    await age(site, 70 * SECOND)
    expect(await (await app.fetch('/a')).text()).toBe('v1 ')
    expect([await (await app.fetch('/a')).text(), app.calls.length]).toEqual(['v2 ', 2])
  })

  it('stale serves nothing after its window, and no response that forbids it', async () => {
    const { fetch, calls } = createApp(
      site,
      (c) =>
        c.text('Hello', 200, {
          'cache-control': c.req.path === '/must' ? 'max-age=60, must-revalidate' : 'max-age=60',
        }),
      { stale: '10s' },
    )
    for (const path of ['/a', '/must']) await fetch(path)
    await age(site, 90 * SECOND)
    for (const path of ['/a', '/must']) await fetch(path)
    expect(calls).toHaveLength(4)
  })

  it('staleIfError serves the stored response in place of an error, also if the handler throws', async () => {
    let broken: 'no' | 'throws' | 'answers' = 'no'
    const { fetch } = createApp(
      site,
      (c) => {
        if (broken === 'throws') throw new Error('broken')
        return broken === 'answers' ? c.text('down', 503) : c.text('Hello', 200, fresh)
      },
      { staleIfError: '1h' },
    )
    await fetch('/a')
    await age(site, 70 * SECOND)
    for (const way of ['throws', 'answers'] as const) {
      broken = way
      const response = await fetch('/a')
      expect([response.status, await response.text(), brief(response)]).toEqual([
        200,
        'Hello',
        `fwd=stale;fwd-status=${way === 'throws' ? 500 : 503};detail=stale-if-error`,
      ])
    }
    await age(site, 3_700 * SECOND)
    expect((await fetch('/a')).status).toBe(503)
  })

  it.each([
    [401, 'Hello'],
    [429, 'Hello'],
    [302, ''],
    [404, ''],
    [410, ''],
  ] as const)(
    'staleIfError does not replace a thrown HTTPException %i, and a later error gets: %j',
    async (status, later) => {
      let thrown: HTTPException | undefined
      const { fetch } = createApp(
        site,
        (c) => {
          if (thrown !== undefined) throw thrown
          return c.text('Hello', 200, fresh)
        },
        { staleIfError: '1h' },
      )
      await fetch('/a')
      await age(site, 70 * SECOND)
      thrown = new HTTPException(status)
      expect((await fetch('/a')).status).toBe(status)
      // A resource that is gone or has moved must not come back. A response for one client is no evidence about it.
      thrown = new HTTPException(503)
      expect(await (await fetch('/a')).text()).toBe(later)
    },
  )

  it('allowStaleWithSMaxAge serves stale responses with s-maxage', async () => {
    for (const allowStaleWithSMaxAge of [false, true]) {
      await emptied(site)
      let isBroken = false
      const { fetch } = createApp(
        site,
        (c) =>
          isBroken ? c.text('down', 503) : c.text('Hello', 200, { 'cache-control': 's-maxage=60, stale-if-error=60' }),
        { allowStaleWithSMaxAge },
      )
      await fetch('/a')
      await age(site, 70 * SECOND)
      isBroken = true
      expect((await fetch('/a')).status).toBe(allowStaleWithSMaxAge ? 200 : 503)
    }
  })
})
