import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { InvalidOptionError } from 'pgstash'
import { type PurgeRouteOptions, purgeRoute } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, createSite, emptied, fresh, ownCache, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const SECRET = 'the-secret-of-this-test'
const route = () => new Hono().route('/purge', purgeRoute({ cache: ownCache(site), secret: SECRET }))
const ask = (body: unknown, headers: Record<string, string> = { authorization: `Bearer ${SECRET}` }, method = 'POST') =>
  route().request('/purge', {
    method,
    headers,
    ...(method === 'POST' ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
  })

describe('the purge route', () => {
  it('purges its targets, and returns their number', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, fresh))
    for (const path of ['/a', '/b', '/b/c']) await fetch(path)
    const response = await ask({ urls: ['https://example.com/a'], prefixes: ['https://example.com/b/'] })
    expect([response.status, await response.json(), response.headers.get('cache-control')]).toEqual([
      200,
      { purged: 2 },
      'no-store',
    ])
    expect(await stored(site)).toHaveLength(1)
  })

  it.each<[string, Record<string, string>, number]>([
    ['no secret', {}, 401],
    ['a wrong secret', { authorization: 'Bearer the-secret-of-that-test' }, 401],
    ['an empty secret', { authorization: 'Bearer ' }, 400],
    ['a prefix of the secret', { authorization: `Bearer ${SECRET.slice(0, -1)}` }, 401],
    ['another scheme', { authorization: `Basic ${SECRET}` }, 400],
  ])('purges nothing with %s', async (_name, headers, code) => {
    await createApp(site, (c) => c.text('Hello', 200, fresh)).fetch('/a')
    site.faults.reset()
    expect((await ask({ urls: ['https://example.com/a'] }, headers)).status).toBe(code)
    expect(site.faults.requests).toBe(0)
  })

  it.each<[string, unknown]>([
    ['a body that is not JSON', '{'],
    ['nothing', ''],
    ['null', null],
    ['a list', []],
    ['a number', 5],
    ['no target', {}],
    ['an unknown target', { keys: ['a'] }],
    ['a prototype key as target', '{"__proto__": {"urls": ["https://example.com/a"]}}'],
    ['relative URLs', { urls: ['/a'] }],
    ['objects as URLs', { urls: [{}] }],
    ['lone surrogates', '{"tags": ["\\ud800"]}'],
    ['U+0000 in a tag', '{"tags": ["\\u0000"]}'],
    ['U+0000 in a prefix', '{"prefixes": ["https://example.com/\\u0000"]}'],
    ['a lone surrogate in a prefix', '{"prefixes": ["https://example.com/\\ud800"]}'],
  ])('answers %s with 400', async (_name, body) => {
    await createApp(site, (c) => c.text('Hello', 200, fresh)).fetch('/a')
    const response = await ask(body)
    expect(response.status).toBe(400)
    expect(await stored(site)).toHaveLength(1)
  })

  it('accepts no query rule from the client', async () => {
    await createApp(site, (c) => c.text('Hello', 200, fresh)).fetch('/a?b=1')
    await ask({ urls: ['https://example.com/a?c=1'], query: { allow: [] } })
    expect(await stored(site)).toHaveLength(1)
  })

  it('answers 503 without details if the database is unreachable', async () => {
    site.faults.always({ kind: 'error', status: 500, body: 'password=secret' })
    const response = await ask({ urls: ['https://example.com/a'] })
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('password')
  })

  it('answers only POST', async () => {
    for (const method of ['GET', 'HEAD', 'DELETE']) expect((await ask(undefined, undefined, method)).status).toBe(404)
  })

  it('sends the headers of outer middleware, and reads a body that such middleware has read', async () => {
    const app = new Hono()
      .use(async (c, next) => {
        c.header('x-before', 'kept')
        await c.req.json()
        await next()
      })
      .route('/purge', purgeRoute({ cache: ownCache(site), secret: SECRET }))
    const init = { method: 'POST', headers: { authorization: `Bearer ${SECRET}` }, body: '{"urls":[]}' }
    const response = await app.request('/purge', init)
    expect([response.status, await response.json(), response.headers.get('x-before')]).toEqual([
      200,
      { purged: 0 },
      'kept',
    ])
  })

  it('checks the secret before the path, with an HTTPException that the program may handle', async () => {
    const app = route().onError((error, c) => c.text(error instanceof HTTPException ? 'own' : 'failed', 418))
    for (const [path, method] of [
      ['/purge', 'POST'],
      ['/purge', 'GET'],
      ['/purge/other', 'POST'],
    ] as const) {
      const response = await app.request(path, { method })
      expect([response.status, await response.text()]).toEqual([418, 'own'])
    }
  })

  it.each<[string, unknown]>([
    ['no options', undefined],
    ['a secret of another type', { secret: 42 }],
    ['a secret that no header can contain', { secret: 'a secret with spaces' }],
    ['a short secret', { secret: 'short' }],
    ['no cache', { cache: undefined, secret: SECRET }],
    ['a cache that cannot store responses', { cache: {}, secret: SECRET }],
  ])('cannot be created with %s', (_name, options) => {
    const given = options === undefined ? undefined : { cache: ownCache(site), ...options }
    expect(() => purgeRoute(given as PurgeRouteOptions)).toThrow(InvalidOptionError)
  })

  it.each([undefined, '', ' '])('answers every request with 500 if it has no secret (%j)', async (secret) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const open = new Hono().route('/purge', purgeRoute({ cache: ownCache(site), secret }))
    for (const authorization of ['', 'Bearer ', 'Bearer undefined']) {
      const response = await open.request('/purge', {
        method: 'POST',
        headers: { authorization },
        body: '{"tags":["x"]}',
      })
      expect([response.status, await response.json()]).toEqual([500, { error: 'The purge route has no secret' }])
    }
    expect(log).toHaveBeenCalledTimes(3)
    log.mockRestore()
  })
})
