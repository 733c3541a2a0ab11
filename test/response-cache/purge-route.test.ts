import { type Cache, InvalidOptionError } from 'pgstash'
import { type PurgeRouteOptions, purgeRoute } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, createSite, emptied, fresh, ownCache, type Site, stored } from '../hono/app.ts'

let site: Site
let cache: Cache
beforeAll(async () => {
  site = await createSite()
  cache = ownCache(site)
})
beforeEach(() => emptied(site))

const SECRET = 'the-secret-of-this-test'
const RIGHT = { authorization: `Bearer ${SECRET}` }

function ask(init: RequestInit, options: Partial<PurgeRouteOptions> = {}): Promise<Response> {
  return purgeRoute({ cache, secret: SECRET, ...options })(new Request('https://example.com/any/path', init))
}
const post = (targets: unknown, headers: Record<string, string> = RIGHT) =>
  ask({ method: 'POST', headers, body: JSON.stringify(targets) })

describe('the purge route without a framework', () => {
  it('purges its targets, and returns their number', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, fresh))
    for (const path of ['/a', '/b', '/b/c']) await fetch(path)
    const response = await post({ urls: ['https://example.com/a'], prefixes: ['https://example.com/b/'] })
    expect([response.status, await response.json(), response.headers.get('cache-control')]).toEqual([
      200,
      { purged: 2 },
      'no-store',
    ])
    expect(await stored(site)).toHaveLength(1)
  })

  it.each(['bearer', 'BEARER', 'Bearer  '])('accepts the scheme as %j', async (scheme) => {
    expect((await post({ urls: [] }, { authorization: `${scheme} ${SECRET}` })).status).toBe(200)
  })

  it.each<[string, Record<string, string>, number, string]>([
    ['no secret', {}, 401, 'Bearer realm=""'],
    ['a wrong secret', { authorization: 'Bearer the-secret-of-that-test' }, 401, 'Bearer error="invalid_token"'],
    ['a prefix of the secret', { authorization: `Bearer ${SECRET.slice(0, -1)}` }, 401, 'Bearer error="invalid_token"'],
    ['an empty secret', { authorization: 'Bearer ' }, 400, 'Bearer error="invalid_request"'],
    ['another scheme', { authorization: `Basic ${SECRET}` }, 400, 'Bearer error="invalid_request"'],
    ['no scheme', { authorization: SECRET }, 400, 'Bearer error="invalid_request"'],
  ])('purges nothing with %s', async (_name, headers, status, challenge) => {
    await createApp(site, (c) => c.text('Hello', 200, fresh)).fetch('/a')
    site.faults.reset()
    const response = await post({ urls: ['https://example.com/a'] }, headers)
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([status, challenge])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(site.faults.requests).toBe(0)
  })

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PURGE'])(
    'answers %s with 405, with the secret and without',
    async (method) => {
      for (const headers of [RIGHT, {}]) {
        const response = await ask({ method, headers })
        expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
      }
    },
  )

  it('answers a broken body and broken targets with 400, and a failing database with 503', async () => {
    for (const body of ['{', '', 'null', '[]', '{"keys":["a"]}', '{"urls":["/a"]}', '{"query":{}}']) {
      expect((await ask({ method: 'POST', headers: RIGHT, body })).status).toBe(400)
    }
    site.faults.always({ kind: 'error', status: 500, body: 'password=secret' })
    const response = await post({ urls: ['https://example.com/a'] })
    expect([response.status, await response.text()]).toEqual([503, expect.not.stringContaining('password')])
  })

  it('applies the query rule of its options, and none from its client', async () => {
    const query = { allow: ['b'] }
    await createApp(site, (c) => c.text('Hello', 200, fresh), { query }).fetch('/a?b=1')
    const init = { method: 'POST', headers: RIGHT, body: '{"urls":["https://example.com/a?c=2&b=1"]}' }
    expect(await (await ask(init)).json()).toEqual({ purged: 0 })
    expect(await (await ask(init, { query })).json()).toEqual({ purged: 1 })
    expect((await post({ urls: [], query })).status).toBe(200)
  })

  it.each([undefined, '', ' '])('answers every request with 500 if it has no secret (%j)', async (secret) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    for (const authorization of ['', 'Bearer ', 'Bearer undefined', `Bearer ${secret}`]) {
      const response = await ask({ method: 'POST', headers: { authorization }, body: '{"tags":["x"]}' }, { secret })
      expect([response.status, await response.json()]).toEqual([500, { error: 'The purge route has no secret' }])
    }
    expect(log).toHaveBeenCalledTimes(4)
    log.mockRestore()
  })

  it.each<[string, object]>([
    ['a secret of another type', { secret: 42 }],
    ['a short secret', { secret: 'short' }],
    ['no cache', { cache: undefined }],
    ['a cache that cannot store responses', { cache: {} }],
    ['an unknown option', { secrets: SECRET }],
  ])('cannot be created with %s', (_name, options) => {
    expect(() => purgeRoute({ cache, secret: SECRET, ...options } as PurgeRouteOptions)).toThrow(InvalidOptionError)
  })
})
