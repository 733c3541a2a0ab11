/** Faults of other middleware with unusual responses, and with properties beyond status, headers and body. */
import { EdgeVM } from '@edge-runtime/vm'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { poweredBy } from 'hono/powered-by'
import { secureHeaders } from 'hono/secure-headers'
import { responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { brief, createApp, createSite, emptied, fresh, ownCache, type Site, stored, times } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const isPrivate = { 'cache-control': 'private' }

describe.each<[string, MiddlewareHandler]>([
  ['poweredBy', poweredBy()],
  ['secureHeaders', secureHeaders()],
])('a response with immutable headers, with %s as outer middleware', (_front, middleware) => {
  // honojs/hono#600, honojs/hono#1789, cloudflare/workers-sdk#5378, HarperFast/harper#1698
  it.each<[string, number, () => Response | Promise<Response>]>([
    ['Response.redirect with 302', 302, () => Response.redirect('https://example.com/b', 302)],
    ['Response.redirect with 308', 308, () => Response.redirect('https://example.com/b', 308)],
    ['fetch', 200, () => fetch('data:text/plain,page')],
  ])('from %s gets these headers, stored or not', async (_maker, status, make) => {
    for (const options of [{}, { expiration: '1h' as const }]) {
      const app = createApp(site, make, options, { before: [middleware] })
      for (const _ of [1, 2]) {
        const response = await app.fetch('/a')
        expect(response.status).toBe(status)
        expect(response.headers.has('x-powered-by') || response.headers.has('x-frame-options')).toBe(true)
      }
    }
  })
})

describe('a response that may not be stored', () => {
  class OwnResponse extends Response {
    readonly own = 'state'
  }

  it.each<[string, () => Response]>([
    ['a subclass', () => new OwnResponse('page', { headers: isPrivate })],
    ['Response.error', () => Response.error()],
    ['Response.json', () => Response.json({}, { headers: isPrivate })],
  ])('is the handler’s response object itself without cacheStatus: %s', async (_name, make) => {
    const made: Response[] = []
    const { send } = createApp(
      site,
      () => {
        const response = make()
        made.push(response)
        return response
      },
      { cacheStatus: false },
    )
    for (const path of ['/a', '/a']) expect(await send(path)).toBe(made.at(-1))
    expect(await send('/a', { method: 'POST' })).toBe(made.at(-1))
  })

  it('from fetch keeps its body readable once', async () => {
    const { send } = createApp(site, () => fetch('data:text/plain,page'))
    for (const _ of [1, 2]) expect(await (await send('/a')).text()).toBe('page')
  })
})

describe('a response of another realm', () => {
  const { context } = new EdgeVM()
  const foreign = (fields: Record<string, string>, body: string | null = 'page') =>
    new context.Response(body, { headers: fields }) as unknown as Response

  it.each<[string, Record<string, string>]>([
    ['stored', fresh],
    ['passed on', isPrivate],
  ])('is %s with its body and headers', async (_name, fields) => {
    const app = new Hono()
    app.use(responseCache({ cache: ownCache(site) }))
    app.get('*', () => foreign({ ...fields, 'x-own': '1' }))
    for (const _ of [1, 2]) {
      const response = await app.fetch(new Request('https://example.com/a'))
      expect([response.headers.get('x-own'), await response.text()]).toEqual(['1', 'page'])
    }
  })

  it('to an unsafe request is passed on with its body', async () => {
    const { send } = createApp(site, () => foreign({}))
    expect(await (await send('/a', { method: 'POST' })).text()).toBe('page')
  })
})

describe('headers', () => {
  it('keep many lines, long values and odd characters', async () => {
    const fields: Record<string, string> = {
      ...fresh,
      'X-Long': 'x'.repeat(200_000),
      'X-Odd': '\u0001\u007f\u00ff"\\{}',
      'X-Empty': '',
    }
    for (let i = 0; i < 500; i++) fields[`X-${i}`] = String(i)
    const { fetch: ask } = createApp(site, () => new Response('page', { headers: fields }))
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const response = await ask('/a')
      expect(brief(response)).toBe(how)
      for (const [name, value] of Object.entries(fields))
        expect([name, response.headers.get(name)]).toEqual([name, value])
    }
  })

  it.each(['__proto__', 'constructor', 'toJSON', 'hasOwnProperty'])('may be named %s', async (name) => {
    const { fetch: ask } = createApp(site, (c) => {
      const headers = new Headers({ ...fresh, vary: name })
      headers.set(name, 'own')
      return new Response(c.req.header(name) ?? 'none', { headers })
    })
    const asked = (value: string) => ask('/a', { headers: [[name, value]] })
    expect(await (await asked('a')).text()).toBe('a')
    expect(await (await asked('b')).text()).toBe('b')
    const hit = await asked('a')
    expect([brief(hit), await hit.text(), hit.headers.get(name)]).toEqual(['hit', 'a', 'own'])
  })

  it('with a status without content survive a hit', async () => {
    const { fetch: ask } = createApp(
      site,
      () => new Response(null, { status: 204, headers: { ...fresh, 'content-type': 'text/plain', 'x-own': '1' } }),
    )
    for (const _ of [1, 2]) {
      const { status, body, headers } = await ask('/a')
      expect([status, body, headers.get('x-own'), headers.get('content-type')]).toEqual([204, null, '1', 'text/plain'])
    }
  })
})

describe('a separate handler for HEAD', () => {
  // restify/node-restify#45, hapijs/hapi#2544
  it('that sends a body gives the client none, and changes no stored page', async () => {
    const { fetch: ask } = createApp(site, (c) =>
      c.text(c.req.method === 'HEAD' ? 'short' : 'the whole page', 200, fresh),
    )
    expect(await (await ask('/a', { method: 'HEAD' })).text()).toBe('')
    await ask('/a')
    expect(await (await ask('/a', { method: 'HEAD' })).text()).toBe('')
    const hit = await ask('/a')
    expect([brief(hit), await hit.text()]).toEqual(['hit', 'the whole page'])
  })
})

describe('an informational or final status', () => {
  it.each([
    200, 201, 202, 206, 207, 208, 226, 299, 300, 302, 303, 305, 306, 307, 309, 399, 402, 418, 421, 451, 499, 501, 505,
    508, 510, 599,
  ])('%i reaches the client on each request', async (status) => {
    const { fetch: ask } = createApp(site, () => new Response('page', { status, headers: fresh }))
    for (const _ of times(3, () => 0)) {
      const response = await ask('/a')
      expect([response.status, await response.text()]).toEqual([status, 'page'])
    }
  })

  it('304 without a condition of the client is passed on and not stored', async () => {
    const { fetch: ask } = createApp(site, (c: Context) => c.body(null, 304, { ...fresh, etag: '"1"' }))
    for (const _ of [1, 2]) expect((await ask('/a')).status).toBe(304)
    expect(await stored(site)).toEqual([])
  })
})
