import type { Context, MiddlewareHandler } from 'hono'
import type { ResponseCacheOptions } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  age,
  brief,
  createApp,
  createSite,
  emptied,
  fresh,
  heldLeases,
  ownCache,
  type Site,
  status,
  stored,
} from '../app.ts'

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
  it('vary separates responses by headers that their Vary does not name', async () => {
    const { fetch, calls } = createApp(site, hello(fresh), { vary: ['X-Theme'] })
    for (const theme of ['dark', 'light', 'dark']) await fetch('/a', { headers: { 'x-theme': theme } })
    expect(calls).toHaveLength(2)
  })

  it('vary applies to responses stored without it: the handler runs before they are served', async () => {
    const theme = (c: Context) => {
      const headers = { ...fresh, etag: '"1"' }
      const isKnown = c.req.header('if-none-match') !== undefined && c.req.header('x-theme') === undefined
      return isKnown ? c.body(null, 304, headers) : c.text(c.req.header('x-theme') ?? 'none', 200, headers)
    }
    const separate = createApp(site, theme, { vary: ['X-Theme'] })
    for (const first of [undefined, 'dark']) {
      await emptied(site)
      await createApp(site, theme).fetch('/a')
      for (const value of [first, 'light', 'dark', 'light']) {
        const response = await separate.fetch('/a', { headers: value === undefined ? {} : { 'x-theme': value } })
        expect(await response.text()).toBe(value ?? 'none')
      }
      expect(brief(await separate.fetch('/a', { headers: { 'x-theme': 'light' } }))).toBe('hit')
    }
  })

  it('vary applies to responses stored without it if the handler fails or must not run', async () => {
    await createApp(site, hello({ ...fresh, etag: '"1"' })).fetch('/a')
    const failing = () => Promise.reject(new Error('handler failed'))
    const separate = createApp(site, failing, { vary: ['X-Theme'], requestDirectives: true, staleIfError: '1h' })
    const headers = { 'x-theme': 'dark', 'cache-control': 'only-if-cached' }
    expect((await separate.fetch('/a', { headers })).status).toBe(504)
    expect(separate.calls).toHaveLength(0)
    expect((await separate.fetch('/a', { headers: { 'x-theme': 'dark' } })).status).toBe(500)
    expect((await separate.fetch('/a', { method: 'HEAD' })).status).toBe(500)
  })

  it.each<[string, ResponseCacheOptions['query'], string, string, boolean]>([
    ['allow', { allow: ['page'] }, '/a?page=1&x=1', '/a?y=2&page=1', true],
    ['allow, with another value', { allow: ['page'] }, '/a?page=1', '/a?page=2', false],
    ['ignore', { ignore: ['utm_*'] }, '/a?p=1&utm_x=1', '/a?p=1', true],
    ['sort', { sort: true }, '/a?a=1&b=2', '/a?b=2&a=1', true],
    ['none', undefined, '/a?a=1&b=2', '/a?b=2&a=1', false],
  ])('query selects the parameters of the key: %s', async (_name, query, first, second, isSame) => {
    const { fetch, calls } = createApp(site, hello(fresh), { query })
    await fetch(first)
    await fetch(second)
    expect(calls).toHaveLength(isSame ? 1 : 2)
    expect(new URL(calls[0]?.url ?? '').search).toBe(new URL(first, 'http://a').search)
  })

  it('key separates responses, and is stored as a hash', async () => {
    const { fetch, calls } = createApp(site, hello(fresh), { key: (c) => c.req.header('x-tenant') })
    for (const tenant of ['secret-a', 'secret-b', 'secret-a']) await fetch('/a', { headers: { 'x-tenant': tenant } })
    await fetch('/a')
    expect(calls).toHaveLength(3)
    expect((await stored(site)).join()).not.toContain('secret')
  })

  it('key may return a URL that several requests share, and an unsafe request purges that URL', async () => {
    const { fetch, calls } = createApp(site, hello(fresh), {
      key: (c) => new URL(`/places?lat=${Number(c.req.query('lat'))}`, c.req.url),
      query: { ignore: ['utm'] },
    })
    expect(brief(await fetch('/places?lat=35.70&utm=1'))).toBe('fwd=uri-miss;stored')
    expect(brief(await fetch('/places?lat=35.7'))).toBe('hit')
    expect(brief(await fetch('/places?lat=35.8'))).toBe('fwd=uri-miss;stored')
    expect((await stored(site)).map((key) => key.split('GET ')[1])).toEqual([
      'https://example.com/places?lat=35.7',
      'https://example.com/places?lat=35.8',
    ])
    expect(calls.map(({ url }) => new URL(url).search)).toEqual(['?lat=35.70&utm=1', '?lat=35.8'])
    await fetch('/places?lat=035.70', { method: 'POST' })
    expect(brief(await fetch('/places?lat=35.7'))).toBe('fwd=uri-miss;stored')
    expect(brief(await fetch('/places?lat=35.8'))).toBe('hit')
  })

  it('cache may throw, and then the handler answers', async () => {
    const { fetch } = createApp(site, hello(fresh), {
      cache: () => {
        throw new Error('no connection string')
      },
    })
    for (const method of ['GET', 'POST']) {
      const response = await fetch('/a', { method })
      expect([response.status, await response.text()]).toEqual([200, 'Hello'])
      expect(brief(response)).toBe(`fwd=${method === 'GET' ? 'bypass' : 'method'};detail=UNAVAILABLE`)
    }
  })

  it('exclude and include match exact paths', async () => {
    const { fetch } = createApp(site, hello(fresh), {
      include: ['/admin/*', '/administrator', /^\/files\/\d+$/],
      exclude: ['/admin', '/admin/:id/secret'],
    })
    const statuses = async (...paths: string[]) =>
      Promise.all(paths.map(async (path) => status(await fetch(path)) !== null))
    expect(await statuses('/admin', '/admin/1/secret', '/%61dmin', '/', '/files/x')).toEqual(Array(5).fill(false))
    expect(await statuses('/administrator', '/admin/1', '/admin/1/2/secret', '/files/12')).toEqual(Array(4).fill(true))
  })

  it.each<[ResponseCacheOptions['authenticated'], string, number, string]>([
    ['rfc', 'max-age=60', 3, 'is not shared'],
    ['rfc', 'max-age=60, public', 1, 'is shared where the response is public'],
    ['never', 'max-age=60, public', 3, 'is left alone'],
    [(c) => c.req.header('authorization'), 'max-age=60', 2, 'is kept for each user'],
    [() => undefined, 'max-age=60', 3, 'is left alone without a name'],
  ])(
    'authenticated %s: with %s, the handler runs %i times for two users, and the response %s',
    async (authenticated, control, count) => {
      const { fetch, calls } = createApp(
        site,
        (c) => c.text(`for ${c.req.header('authorization')}`, 200, { 'cache-control': control }),
        { authenticated },
      )
      const answers: string[] = []
      for (const user of ['a', 'b', 'a']) {
        answers.push(await (await fetch('/a', { headers: { authorization: user } })).text())
      }
      expect(calls).toHaveLength(count)
      expect(answers).toEqual(count === 1 ? ['for a', 'for a', 'for a'] : ['for a', 'for b', 'for a'])
    },
  )

  describe('authenticated', () => {
    const cookieUser = (c: Context) => /user=(\w+)/.exec(c.req.header('cookie') ?? '')?.[1]
    const page = (c: Context) => c.text(`for ${cookieUser(c)}`, 200, fresh)
    const as = (user: string) => ({ headers: { cookie: `user=${user}` } })

    it('separates users that it recognizes by a cookie', async () => {
      const { fetch, calls } = createApp(site, page, { authenticated: cookieUser })
      for (const user of ['alice', 'bob', 'alice', 'bob']) {
        expect(await (await fetch('/a', as(user))).text()).toBe(`for ${user}`)
      }
      expect(await (await fetch('/a')).text()).toBe('for undefined')
      expect(brief(await fetch('/a'))).toBe('hit')
      expect(calls).toHaveLength(3)
    })

    it.each([
      ['an empty name', () => '', {}],
      ['no name for a request with Authorization', () => undefined, { authorization: 'a' }],
    ])('does not cache %s', async (_name, authenticated, headers) => {
      const { fetch, calls } = createApp(site, page, { authenticated })
      for (const _ of [1, 2]) expect(brief(await fetch('/a', { headers }))).toBe('fwd=bypass')
      expect(calls).toHaveLength(2)
    })

    it('stores nothing if the handler runs for another user than the lookup', async () => {
      // The session middleware is inside of the cache by mistake, so the lookup sees no user.
      const session: MiddlewareHandler = async (c, next) => {
        c.set('user', cookieUser(c))
        await next()
      }
      const { fetch } = createApp(site, page, { authenticated: (c) => c.get('user') }, { after: [session] })
      for (const user of ['alice', 'bob']) {
        const response = await fetch('/a', as(user))
        expect([await response.text(), brief(response)]).toEqual([`for ${user}`, 'fwd=uri-miss;detail=key'])
      }
      expect(await stored(site)).toEqual([])
    })

    it('stores no refresh that runs for another user, and releases its lease', async () => {
      let session: string | undefined = 'alice'
      const app = createApp(site, (c) => c.text(`for ${session}`, 200, fresh), {
        authenticated: () => session,
        stale: '1h',
        refresh: (request) => {
          session = 'bob'
          return app.app.fetch(request)
        },
      })
      await app.fetch('/a')
      await age(site, 70 * SECOND)
      expect(await (await app.fetch('/a')).text()).toBe('for alice')
      session = 'alice'
      expect(await (await app.fetch('/a')).text()).toBe('for alice')
      expect(await stored(site)).toHaveLength(1)
      expect(await heldLeases(site)).toEqual([])
    })
  })

  it.each([
    ['key', async () => 'somebody'],
    ['key', () => Number.NaN],
    ['authenticated', async () => 'somebody'],
    ['authenticated', () => ({ id: 1 })],
    ['authenticated', () => Number.NaN],
    ['authenticated', () => Number.POSITIVE_INFINITY],
    ['authenticated', () => false],
  ])('%s is refused if it returns a value that names no user: %s', async (name, option) => {
    const { fetch, calls } = createApp(site, hello(fresh), { [name]: option })
    for (const headers of [{}, { authorization: 'a' }] as Record<string, string>[]) {
      expect((await fetch('/a', { headers })).status).toBe(500)
    }
    expect(calls).toHaveLength(0)
  })

  it('authenticated does not cache for a user that it names null', async () => {
    const nobody = { authenticated: () => null } as unknown as Partial<ResponseCacheOptions>
    const { fetch } = createApp(site, hello(fresh), nobody)
    expect(brief(await fetch('/a', { headers: { authorization: 'a' } }))).toBe('fwd=bypass')
  })

  it('storeSetCookie stores responses with their cookies', async () => {
    const handler = () =>
      new Response('Hello', { headers: [...Object.entries(fresh), ['set-cookie', 'a=1'], ['set-cookie', 'b=2']] })
    const careful = createApp(site, handler)
    await careful.fetch('/a')
    expect(await stored(site)).toEqual([])
    await emptied(site)
    const { fetch } = createApp(site, handler, { storeSetCookie: true })
    await fetch('/a')
    const hit = await fetch('/a')
    expect([brief(hit), hit.headers.getSetCookie()]).toEqual(['hit', ['a=1', 'b=2']])
  })

  it('tags, Cache-Tag and Cache-Groups each tag a response', async () => {
    const { fetch } = createApp(site, hello({ ...fresh, 'cache-tag': 'field, other', 'cache-groups': '"group"' }), {
      tags: (c, response) => [`path:${c.req.path}`, `status:${response.status}`, 'x'.repeat(600)],
    })
    const cache = site.client()
    for (const tag of ['field', 'path:/a', 'status:200', 'group:https://example.com group', 'x'.repeat(600)]) {
      await fetch('/a')
      expect(brief(await fetch('/a'))).toBe('hit')
      await cache.invalidate(tag)
      expect(brief(await fetch('/a'))).toBe('fwd=miss;stored')
    }
  })

  it('maxVariants bounds the variants of a URL, and evicts those that expire first', async () => {
    const { fetch } = createApp(site, hello({ ...fresh, vary: 'X-V' }), { maxVariants: 5 })
    for (let i = 0; i < 12; i++) {
      expect(brief(await fetch('/a', { headers: { 'x-v': String(i) } }))).toMatch(/^fwd=(uri|vary)-miss;stored$/)
      expect((await stored(site)).length).toBeLessThanOrEqual(5)
    }
    expect(brief(await fetch('/a', { headers: { 'x-v': '11' } }))).toBe('hit')
  })

  it('maxVariants counts the variants of each user separately', async () => {
    const { fetch } = createApp(site, hello({ ...fresh, vary: 'X-V' }), {
      maxVariants: 2,
      key: (c) => c.req.header('x-user'),
    })
    for (const user of ['a', 'b', 'c']) await fetch('/a', { headers: { 'x-user': user } })
    await fetch('/a')
    expect(brief(await fetch('/a'))).toBe('hit')
    expect(await stored(site)).toHaveLength(4)
  })

  it('statuses lists the only statuses that are stored', async () => {
    const { fetch } = createApp(site, (c) => c.text('gone', 404, fresh), { statuses: [200] })
    await fetch('/a')
    expect(await stored(site)).toEqual([])
  })

  it('heuristic estimates a lifetime from Last-Modified', async () => {
    const { fetch } = createApp(site, hello({ 'last-modified': new Date(Date.now() - 1_000 * SECOND).toUTCString() }), {
      heuristic: true,
    })
    await fetch('/a')
    await age(site, 50 * SECOND)
    expect(brief(await fetch('/a'))).toBe('hit')
    await age(site, 60 * SECOND)
    expect(brief(await fetch('/a'))).toMatch(/^fwd=stale/)
  })

  it('requestDirectives obeys the client', async () => {
    const { fetch, calls } = createApp(site, hello(fresh), { requestDirectives: true })
    const only = { 'cache-control': 'only-if-cached' }
    const none = await fetch('/a', { headers: only })
    expect([none.status, brief(none)]).toEqual([504, 'fwd=uri-miss'])
    await fetch('/a')
    expect(brief(await fetch('/a', { headers: only }))).toBe('hit')
    expect(brief(await fetch('/a', { headers: { 'cache-control': 'no-cache' } }))).toBe('fwd=request;stored')
    await age(site, 70 * SECOND)
    expect(calls).toHaveLength(2)
  })

  it('requestDirectives is off by default, so that no client can force work on the handler', async () => {
    const { fetch, calls } = createApp(site, hello(fresh))
    for (const control of ['', 'no-cache', 'max-age=0', 'only-if-cached']) {
      await fetch('/a', { headers: { 'cache-control': control } })
    }
    expect(calls).toHaveLength(1)
  })

  it('targetedFields names the headers that this cache obeys in place of Cache-Control', async () => {
    const headers = {
      'cache-control': 'no-store',
      'cdn-cache-control': 'max-age=60',
      'my-cache-control': 'max-age=900',
    }
    const { fetch } = createApp(site, hello(headers))
    await fetch('/a')
    const hit = await fetch('/a')
    expect([brief(hit), hit.headers.get('cache-control')]).toEqual(['hit', 'no-store'])
    await emptied(site)
    const mine = createApp(site, hello(headers), { targetedFields: ['my-cache-control'] })
    await mine.fetch('/a')
    expect(status(await mine.fetch('/a'))).toMatch(/hit;ttl=(?:8\d\d|900)$/)
  })

  it('cacheStatus names this cache, or omits the field', async () => {
    const named = createApp(site, hello({ ...fresh, 'cache-status': 'origin;hit' }), { cacheStatus: 'edge one' })
    expect(status(await named.fetch('/a'))).toBe('origin;hit, "edge one";fwd=uri-miss;stored')
    const silent = createApp(site, hello(fresh), { cacheStatus: false })
    for (const _ of [1, 2]) expect(status(await silent.fetch('/b'))).toBe(null)
    expect(silent.calls).toHaveLength(1)
  })

  it('cache may be a function of the context, and its namespace separates responses', async () => {
    const caches = { a: ownCache(site, { namespace: 'a' }), b: ownCache(site, { namespace: 'b' }) }
    const { fetch, calls } = createApp(site, hello(fresh), {
      cache: (c) => caches[c.req.header('x-tenant') as 'a' | 'b'],
    })
    for (const tenant of ['a', 'b', 'a']) await fetch('/a', { headers: { 'x-tenant': tenant } })
    expect(calls).toHaveLength(2)
    await caches.a.clear()
    expect(await stored(site)).toHaveLength(1)
  })
})
