import type { Context, MiddlewareHandler } from 'hono'
import { setCookie } from 'hono/cookie'
import { cors } from 'hono/cors'
import { requestId } from 'hono/request-id'
import type { ResponseCacheOptions } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, fresh, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

type Set = (c: Context, user: string) => void
/** Outer middleware that puts the user of a request into a response header. */
const inFront =
  (set: Set): MiddlewareHandler =>
  async (c, next) => {
    set(c, c.req.header('x-user') ?? 'nobody')
    await next()
  }
const as = (user: string, headers: Record<string, string> = {}) => ({ headers: { 'x-user': user, ...headers } })

const byHeader: Set = (c, user) => c.header('x-account', user)
const byResponse: Set = (c, user) => c.res.headers.set('x-account', user)
const byBoth: Set = (c, user) => {
  c.header('x-account', user)
  c.res.headers.append('set-cookie', `session=${user}`)
}
const byText = (c: Context) => c.text('page', 200, { ...fresh, etag: '"1"', 'x-page': 'shared' })
const byBody = () => new Response('page', { headers: { ...fresh, etag: '"1"', 'x-page': 'shared' } })
const byReplacing = (c: Context) => {
  c.res = new Response('page', { headers: { ...fresh, etag: '"1"', 'x-page': 'shared' } })
  return c.res
}

/** Returns the stored form of the only response, as text. */
async function storedText(): Promise<string> {
  const { rows } = await site.db.execute<{ meta: string }>(
    `select meta from cache_entries where meta::jsonb ? 'status'`,
  )
  expect(rows).toHaveLength(1)
  return JSON.stringify(rows)
}

describe('a header that outer middleware sets', () => {
  const ways: [string, string, Set, (c: Context) => Response][] = []
  for (const [setBy, set] of [
    ['c.header', byHeader],
    ['c.res', byResponse],
    ['both', byBoth],
  ] as const)
    for (const [answeredBy, handler] of [
      ['c.text', byText],
      ['a Response', byBody],
      ['replacing c.res', byReplacing],
    ] as const)
      ways.push([setBy, answeredBy, set, handler])

  it.each(ways)(
    'by %s is not stored, and every client gets its own, after a handler that uses %s',
    async (_by, _how, set, handler) => {
      const { fetch, calls } = createApp(site, handler, {}, { before: [inFront(set)] })
      for (const user of ['alice', 'bob', 'carol']) {
        const response = await fetch('/a', as(user))
        expect([response.headers.get('x-account'), response.headers.get('x-page')]).toEqual([user, 'shared'])
        expect(response.headers.getSetCookie()).toEqual(set === byBoth ? [`session=${user}`] : [])
      }
      expect(calls).toHaveLength(1)
      expect(await storedText()).not.toMatch(/alice|bob|carol/)
    },
  )

  it.each<[string, number, (app: ReturnType<typeof createApp>) => Promise<Response>]>([
    ['a 304', 304, (app) => app.fetch('/a', as('bob', { 'if-none-match': '"1"' }))],
    ['a HEAD', 200, (app) => app.fetch('/a', { method: 'HEAD', ...as('bob') })],
    ['a range request', 206, (app) => app.fetch('/a', as('bob', { range: 'bytes=0-1' }))],
    ['an unsatisfiable range', 416, (app) => app.fetch('/a', as('bob', { range: 'bytes=9-' }))],
    ['a miss answered with 304', 304, (app) => app.fetch('/b', as('bob', { 'if-none-match': '"1"' }))],
    [
      'a request that must not run the handler',
      504,
      (app) => app.fetch('/c', as('bob', { 'cache-control': 'only-if-cached' })),
    ],
    ['a bypass', 200, (app) => app.fetch('/a', as('bob', { authorization: 'a' }))],
    ['a failing handler', 500, (app) => app.fetch('/broken', as('bob'))],
    ['an unsafe request', 200, (app) => app.fetch('/a', { method: 'POST', ...as('bob') })],
  ])('is in the answer to %s (%i)', async (_name, code, ask) => {
    const handler = (c: Context) => {
      if (c.req.path === '/broken') throw new Error('broken')
      return byText(c)
    }
    const options: Partial<ResponseCacheOptions> = { requestDirectives: true, authenticated: 'never' }
    const app = createApp(site, handler, options, { before: [inFront(byHeader)] })
    await app.fetch('/a', as('alice'))
    const response = await ask(app)
    expect([response.status, response.headers.get('x-account')]).toEqual([code, 'bob'])
  })

  it('is in the answer after the handler validated the stored response, but not in the stored response', async () => {
    const handler = (c: Context) =>
      c.req.header('if-none-match') === '"1"'
        ? c.body(null, 304, { ...fresh, etag: '"1"', 'x-page': 'validated' })
        : byText(c)
    const { fetch } = createApp(site, handler, {}, { before: [inFront(byBoth)] })
    await fetch('/a', as('alice'))
    await age(site, 70_000)
    for (const [user, how] of [
      ['bob', 'fwd=stale;fwd-status=304;stored'],
      ['carol', 'hit'],
    ] as const) {
      const response = await fetch('/a', as(user))
      expect([brief(response), response.headers.get('x-account'), response.headers.get('x-page')]).toEqual([
        how,
        user,
        'validated',
      ])
      expect(response.headers.getSetCookie()).toEqual([`session=${user}`])
    }
    expect(await storedText()).not.toMatch(/alice|bob|carol/)
  })

  it('is not stored by a background refresh', async () => {
    const app = createApp(
      site,
      byText,
      { stale: '1h', refresh: (request) => app.app.fetch(request) },
      { before: [inFront(byHeader)] },
    )
    await app.fetch('/a', as('alice'))
    await age(site, 70_000)
    expect((await app.fetch('/a', as('bob'))).headers.get('x-account')).toBe('bob')
    expect(app.calls).toHaveLength(2)
    expect(await storedText()).not.toMatch(/alice|bob/)
  })

  it('is in the answer if the stored response replaces an error', async () => {
    let isBroken = false
    const handler = (c: Context) => (isBroken ? c.text('broken', 503) : byText(c))
    const { fetch } = createApp(site, handler, { staleIfError: '1h' }, { before: [inFront(byHeader)] })
    await fetch('/a', as('alice'))
    await age(site, 70_000)
    isBroken = true
    const response = await fetch('/a', as('bob'))
    expect([response.status, response.headers.get('x-account')]).toEqual([200, 'bob'])
  })

  it('is each client’s own with requestId, cors for several origins and a session cookie', async () => {
    const origins = ['https://a.example', 'https://b.example']
    const session: MiddlewareHandler = async (c, next) => {
      setCookie(c, 'session', c.req.header('x-user') ?? '')
      await next()
    }
    const { fetch, calls } = createApp(site, byText, {}, { before: [requestId(), cors({ origin: origins }), session] })
    const ids = new Set<string | null>()
    for (const origin of origins) {
      const { headers } = await fetch('/a', as(origin.slice(8, 9), { origin }))
      ids.add(headers.get('x-request-id'))
      expect([headers.get('access-control-allow-origin'), headers.get('set-cookie'), headers.get('vary')]).toEqual([
        origin,
        expect.stringMatching(`^session=${origin.slice(8, 9)};`),
        'Origin',
      ])
    }
    expect([ids.size, calls.length]).toEqual([2, 1])
  })

  it('is stored with the handler’s value if the handler replaces it', async () => {
    const handler = (c: Context) => c.text('page', 200, { ...fresh, 'x-account': 'everybody' })
    const { fetch } = createApp(site, handler, {}, { before: [inFront(byHeader)] })
    for (const user of ['alice', 'bob']) {
      expect((await fetch('/a', as(user))).headers.get('x-account')).toBe('everybody')
    }
  })

  it('is stored without the client’s part if the handler appends to it', async () => {
    const handler = (c: Context) => {
      c.header('link', '</page>', { append: true })
      c.header('vary', 'Accept-Language', { append: true })
      return c.text('page', 200, fresh)
    }
    const set: Set = (c, user) => {
      c.header('link', `</${user}>`)
      c.header('vary', 'Accept')
    }
    const { fetch } = createApp(site, handler, {}, { before: [inFront(set)] })
    for (const user of ['alice', 'bob']) {
      const { headers } = await fetch('/a', as(user))
      expect([headers.get('link'), headers.get('vary')]).toEqual([`</${user}>, </page>`, 'Accept, Accept-Language'])
    }
    expect(await storedText()).not.toMatch(/alice|bob/)
  })

  it('that controls caches has the same effect as one of the handler', async () => {
    const handler = (c: Context) => c.text(`in ${c.req.header('accept-language')}`)
    const set: Set = (c, user) => {
      c.header('cache-control', user === 'private' ? 'private' : 'max-age=60')
      c.header('vary', 'Accept-Language')
    }
    const { fetch } = createApp(site, handler, { expiration: '1h' }, { before: [inFront(set)] })
    expect(brief(await fetch('/a', as('private')))).toBe('fwd=uri-miss;detail=private')
    for (const language of ['en', 'de', 'en']) {
      const response = await fetch('/a', as('public', { 'accept-language': language }))
      expect([await response.text(), response.headers.get('cache-control')]).toEqual([`in ${language}`, 'max-age=60'])
    }
    expect(await stored(site)).toHaveLength(2)
  })
})

describe('a cookie', () => {
  it.each([
    ['c.text', (c: Context) => c.text('page', 200, { ...fresh, 'set-cookie': 'own=1' })],
    ['a Response', () => new Response('page', { headers: { ...fresh, 'set-cookie': 'own=1' } })],
  ])(
    'from the handler keeps its response from being stored beside one from outer middleware: %s',
    async (_n, handler) => {
      const { fetch } = createApp(site, handler, {}, { before: [inFront(byBoth)] })
      const response = await fetch('/a', as('alice'))
      expect(response.headers.getSetCookie().sort()).toEqual(['own=1', 'session=alice'])
      expect(await stored(site)).toEqual([])
    },
  )

  it('from outer middleware comes together with the cookies that storeSetCookie stores', async () => {
    const handler = (c: Context) => {
      setCookie(c, 'theme', 'dark')
      return c.text('page', 200, fresh)
    }
    const { fetch } = createApp(site, handler, { storeSetCookie: true }, { before: [inFront(byBoth)] })
    for (const user of ['alice', 'bob']) {
      expect((await fetch('/a', as(user))).headers.getSetCookie()).toEqual([`session=${user}`, 'theme=dark; Path=/'])
    }
    expect(await storedText()).not.toMatch(/alice|bob/)
  })

  it('from outer middleware is kept if the handler throws a value that is not an Error', async () => {
    let cookies: string[] | undefined
    const outer: MiddlewareHandler = async (c, next) => {
      c.header('set-cookie', 'session=1')
      await next().catch(() => {})
      cookies = c.res.headers.getSetCookie()
    }
    const handler = () => {
      throw 'a string'
    }
    await createApp(site, handler, {}, { before: [outer] }).fetch('/a')
    expect(cookies).toEqual(['session=1'])
  })
})

describe('outer middleware', () => {
  it('changes no stored response by editing headers after the response', async () => {
    const after: MiddlewareHandler = async (c, next) => {
      await next()
      c.res.headers.set('x-account', c.req.header('x-user') ?? '')
    }
    const handler = () => new Response(null, { status: 204, headers: fresh })
    const app = createApp(site, handler, { cacheStatus: false }, { before: [after] })
    await app.fetch('/a', as('alice'))
    expect(await storedText()).not.toMatch(/alice/)
    expect((await app.fetch('/a', as('bob'))).headers.get('x-account')).toBe('bob')
  })

  it('never adds headers to a response object that the handler reuses', async () => {
    const empty = new Response(null, { status: 204, headers: { 'cache-control': 'private' } })
    const { fetch } = createApp(site, () => empty, { cacheStatus: false }, { before: [inFront(byHeader)] })
    for (const user of ['alice', 'bob']) expect((await fetch('/a', as(user))).headers.get('x-account')).toBe(user)
    expect(empty.headers.has('x-account')).toBe(false)
  })

  it('prevents storing the response if it answers before it calls next', async () => {
    const answers: MiddlewareHandler = async (c, next) => {
      c.res = new Response(`for ${c.req.header('x-user')}`, { headers: fresh })
      await next()
    }
    const { fetch } = createApp(site, byText, {}, { before: [answers] })
    for (const user of ['alice', 'bob']) expect(await (await fetch('/a', as(user))).text()).toBe(`for ${user}`)
    expect(await stored(site)).toEqual([])
  })
})
