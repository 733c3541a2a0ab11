import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createCache, InvalidOptionError, memoryCache } from 'pgstash'
import { type Authorize, basic, bearer, cacheAdmin, cloudflareAccess } from 'pgstash/admin'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createSite, mount, ORIGIN, type Site } from './site.ts'

const SECRET = 'a-secret-of-the-test'
const PATHS = [
  '',
  '/',
  '/overview',
  '/entries',
  '/entry?key=YQ',
  '/preview?key=YQ',
  '/download?key=YQ',
  '/remove',
  '/none',
]

let site: Site

beforeAll(async () => {
  site = await createSite()
  await site.cache().set('a', 'the stored value')
})

const ask = (authorize: Authorize, headers: Record<string, string> = {}, path = '/overview', method = 'GET') =>
  mount(site, { authorize }).request(`${ORIGIN}/cache${path}`, { headers, method })

describe('visitors without permission', () => {
  const refusals: [string, Authorize, number][] = [
    ['returns false', () => false, 403],
    ['returns a truthy value other than true', () => 'ada' as never, 403],
    ['returns undefined', () => undefined as never, 403],
    ['resolves to false', async () => false, 403],
    [
      'throws',
      () => {
        throw new Error('postgres://user:password@host')
      },
      500,
    ],
    ['rejects', () => Promise.reject(new Error('postgres://user:password@host')), 500],
    ['returns its own response', () => new Response('Log in', { status: 401 }), 401],
  ]

  it.each(refusals)('get no page, form or file if authorize %s', async (_name, authorize, status) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    site.faults.reset()
    for (const path of PATHS) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const response = await ask(authorize, {}, path, method)
        const text = await response.text()
        expect([path, method, response.status]).toEqual([path, method, status])
        expect(text).not.toMatch(/password|stored value|Entries/)
        expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
        expect(response.headers.get('cache-control')).toBe('no-store')
        expect(response.headers.has('set-cookie')).toBe(false)
      }
    }
    // The database is not queried before the visitor is known.
    expect(site.faults.requests).toBe(0)
    log.mockRestore()
  })

  it('are sent to a login by a redirect, which the browser and not the page follows', async () => {
    const response = await ask((c) => c.redirect('/login'))
    expect([response.status, response.headers.get('location')]).toEqual([302, '/login'])
  })

  it('do not even cause a call of the function that returns the cache', async () => {
    const cache = vi.fn(() => site.cache())
    const app = mount(site, { cache, authorize: () => false })
    expect((await app.request(`${ORIGIN}/cache/overview`)).status).toBe(403)
    expect(cache).not.toHaveBeenCalled()
  })
})

describe('bearer', () => {
  it.each([
    ['the secret', { authorization: `Bearer ${SECRET}` }, 200],
    ['the scheme in other letters', { authorization: `bEARER ${SECRET}` }, 200],
    ['another', { authorization: `Bearer ${SECRET}x` }, 401],
    ['a prefix of the secret', { authorization: `Bearer ${SECRET.slice(0, -1)}` }, 401],
    ['another scheme', { authorization: `Basic ${SECRET}` }, 401],
    ['nothing', {}, 401],
  ])('checks %s', async (_name, headers, status) => {
    const response = await ask(bearer(SECRET), headers)
    expect(response.status).toBe(status)
    expect(response.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null)
  })

  it('does not accept the secret from the URL', async () => {
    expect((await ask(bearer(SECRET), {}, `/overview?token=${SECRET}&access_token=${SECRET}`)).status).toBe(401)
  })

  it.each([[''], ['short'], ['a secret with blanks in it'], [undefined as never]])(
    'refuses to be created with %j',
    (secret) => {
      expect(() => bearer(secret)).toThrow(InvalidOptionError)
    },
  )
})

describe('basic', () => {
  const authorize = basic({ user: 'ada', password: 'pässword:with 16 letters' })
  const header = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })

  it.each([
    ['name and password', header('ada:pässword:with 16 letters'), 200],
    ['another name', header('bob:pässword:with 16 letters'), 401],
    ['another password', header('ada:pässword'), 401],
    ['no colon', header('ada'), 401],
    ['invalid base64', { authorization: 'Basic §' }, 401],
    ['nothing', {}, 401],
  ])('checks %s', async (_name, headers, status) => {
    const response = await mount(site, { authorize }).request(`${ORIGIN}/cache/overview`, { headers: safe(headers) })
    expect(response.status).toBe(status)
    if (status === 401) expect(response.headers.get('www-authenticate')).toBe('Basic realm="cache", charset="UTF-8"')
  })

  it.each([
    { user: '', password: SECRET },
    { user: 'a:b', password: SECRET },
    { user: 'ada', password: '' },
    { user: 'ada', password: 'short' },
    { user: 'ada' } as never,
  ])('refuses to be created with %j', (credentials) => {
    expect(() => basic(credentials)).toThrow(InvalidOptionError)
  })

  /** A value that is not a valid header cannot be sent at all. */
  function safe(headers: Record<string, string>): Record<string, string> {
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('§', '%%')]))
  }
})

describe('cloudflareAccess', () => {
  const AUDIENCE = 'the-tag-of-the-application'
  const ISSUER = 'https://acme.cloudflareaccess.com'
  let keys: Awaited<ReturnType<typeof createKeys>>

  beforeAll(async () => {
    keys = await createKeys()
  })

  /** A JWKS endpoint on a port, and functions that sign with its key and with another key. */
  async function createKeys() {
    const [own, other] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')])
    const jwk = { ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'RS256', use: 'sig' }
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ keys: [jwk], public_cert: {} }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanup(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const token = (claims: Record<string, unknown> = {}, { key = own.privateKey, kid = 'own' } = {}) =>
      new SignJWT({ email: 'ada@acme.example', iss: ISSUER, aud: [AUDIENCE], exp: 4_000_000_000, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid })
        .sign(key)
    const fetchLocally = (url: string, init: object) => fetch(`http://127.0.0.1:${port}${new URL(url).pathname}`, init)
    return { own, other, asked, token, fetch: fetchLocally }
  }

  const access = (options: Partial<Parameters<typeof cloudflareAccess>[0]> = {}) =>
    cloudflareAccess({ team: 'acme', audience: AUDIENCE, fetch: keys.fetch, ...options })
  const status = async (authorize: Authorize, token: string | undefined) =>
    (await ask(authorize, token === undefined ? {} : { 'cf-access-jwt-assertion': token })).status

  it('admits users that the team allows, and fetches its keys once', async () => {
    const authorize = access()
    expect(keys.asked).toEqual([])
    for (let i = 0; i < 3; i++) expect(await status(authorize, await keys.token())).toBe(200)
    expect(keys.asked).toEqual(['/cdn-cgi/access/certs'])
  })

  it('admits nobody with an invalid token', async () => {
    const authorize = access()
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await keys.token()).split('.')[1]}.`
    const wrong = {
      none: undefined,
      text: 'not a token',
      unsigned,
      'of another key': await keys.token({}, { key: keys.other.privateKey }),
      'of a key that is not known': await keys.token({}, { key: keys.other.privateKey, kid: 'other' }),
      'for another application': await keys.token({ aud: ['another'] }),
      'of another team': await keys.token({ iss: 'https://other.cloudflareaccess.com' }),
      expired: await keys.token({ exp: 1_000_000_000 }),
      'that never expires': await keys.token({ exp: undefined }),
      'of the future': await keys.token({ nbf: 3_900_000_000 }),
    }
    for (const [name, token] of Object.entries(wrong))
      expect([name, await status(authorize, token)]).toEqual([name, 403])
  })

  it('admits only the users that the options allow', async () => {
    const authorize = access({ allow: (email) => email === 'ada@acme.example' })
    expect(await status(authorize, await keys.token())).toBe(200)
    expect(await status(authorize, await keys.token({ email: 'bob@acme.example' }))).toBe(403)
    expect(await status(authorize, await keys.token({ email: undefined }))).toBe(403)
  })

  it.each<[string, () => Promise<Response>]>([
    ['there is no network', () => Promise.reject(new TypeError('no network'))],
    ['Access is out of order', async () => new Response('down', { status: 503 })],
    ['the team has no certificates page', async () => new Response('<html>')],
    ['the page has no keys', async () => Response.json({ success: false })],
  ])('admits nobody while the keys cannot be fetched, and logs that: %s', async (_why, fetch) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    expect(await status(access({ fetch }), await keys.token())).toBe(500)
    expect(log).toHaveBeenCalledOnce()
    log.mockRestore()
  })

  it.each([
    { team: '' },
    { team: 'acme.cloudflareaccess.com' },
    { team: 'evil.example/' },
    { audience: '' },
    { audience: [] },
    { fetch: 'fetch' as never },
    { issuer: ISSUER } as never,
  ])('refuses to be created with %j', (options) => {
    expect(() => access(options)).toThrow(InvalidOptionError)
  })
})

describe('cacheAdmin', () => {
  const everybody: Authorize = () => true

  it.each([
    ['no options', undefined],
    ['no authorize', { cache: 'given' }],
    ['an authorize that is not a function', { cache: 'given', authorize: true }],
    ['no cache', { authorize: everybody }],
    ['a cache without tables', { cache: memoryCache(), authorize: everybody }],
    ['a misspelt option', { cache: 'given', authorize: everybody, readonly: true }],
    ['an invalid readOnly', { cache: 'given', authorize: everybody, readOnly: 'yes' }],
    ['an empty title', { cache: 'given', authorize: everybody, title: '' }],
  ])('refuses to be created with %s', (_name, options) => {
    const given =
      options && 'cache' in options && options.cache === 'given' ? { ...options, cache: createCache(site.db) } : options
    expect(() => cacheAdmin(given as never)).toThrow(InvalidOptionError)
  })

  it('names the required kind of cache if a function returns another', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const response = await new Hono()
      .route('/cache', cacheAdmin({ cache: () => memoryCache(), authorize: everybody }))
      .request('/cache/overview')
    expect(response.status).toBe(500)
    expect(await response.text()).toContain('The details are in the server')
    expect(String(log.mock.calls)).toContain('Expected a cache from createCache')
    log.mockRestore()
  })
})
