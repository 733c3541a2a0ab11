/** Attacks on other caches: poisoned keys, deceptive paths, and requests that handler and cache read differently. */
import { type Context, Hono } from 'hono'
import { methodOverride } from 'hono/method-override'
import { responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { brief, createApp, createSite, emptied, fresh, ownCache, type Site, stored, times } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const echo = (c: Context) => c.json({ url: c.req.url, path: c.req.path, query: c.req.queries() }, 200, fresh)

describe('a poisoned request', () => {
  // webjsdev/webjs#1097, code-dot-org/code-dot-org#31301, harshdwivediiiii/pathfinder-ai#170
  it.each([
    'x-forwarded-host',
    'x-forwarded-port',
    'x-forwarded-prefix',
    'x-forwarded-for',
    'x-forwarded-scheme',
    'x-forwarded-server',
    'x-original-host',
    'x-real-ip',
    'client-ip',
    'true-client-ip',
    'x-wap-profile',
    'front-end-https',
  ])('with %s affects neither the key nor the stored response', async (name) => {
    const { fetch } = createApp(site, echo)
    await fetch('/a', { headers: { [name]: 'evil.example' } })
    const hit = await fetch('/a')
    expect([brief(hit), await hit.text()]).toEqual(['hit', expect.not.stringContaining('evil')])
    expect(await stored(site)).toEqual(['http|GET https://example.com/a'])
  })

  // git/git-scm.com#1551
  it.each([
    ['content-length', '5'],
    ['content-length', '05'],
    ['transfer-encoding', 'chunked'],
  ])('with content in a GET (%s: %s) is not stored', async (name, value) => {
    const { fetch } = createApp(site, (c) => c.text(c.req.header(name) ? 'evil' : 'page', 200, fresh))
    await fetch('/a', { headers: { [name]: value } })
    expect(await (await fetch('/a')).text()).toBe('page')
  })

  // tempesta-tech/tempesta#1369
  it('with a method override does not replace the page', async () => {
    const app = new Hono()
    app.use(methodOverride({ app, header: 'x-http-method-override' }))
    app.use(responseCache({ cache: ownCache(site), expiration: '1h' }))
    app.get('/a', (c) => c.text('page'))
    app.delete('/a', (c) => c.text('deleted'))
    const ask = async (init: RequestInit = {}) => (await app.fetch(new Request('https://example.com/a', init))).text()
    await ask({ headers: { 'x-http-method-override': 'DELETE' } })
    expect(await ask()).toBe('page')
    expect(await ask({ method: 'POST', headers: { 'x-http-method-override': 'DELETE' } })).toBe('deleted')
    expect(await stored(site)).toEqual([])
  })

  it('with a method in its query is a GET of another URL', async () => {
    const { fetch, calls } = createApp(site, echo)
    await fetch('/a?_method=DELETE')
    expect(await (await fetch('/a')).json()).toMatchObject({ query: {} })
    expect(calls).toHaveLength(2)
  })
})

describe('a URL that resembles another', () => {
  // hapijs/hapi#3965, CommunitySolidServer/CommunitySolidServer#1025, usestrix/strix#407
  it.each([
    ['/a', '//a'],
    ['/a', '/a/'],
    ['/a', '/a;x'],
    ['/a', '/a%3Bx'],
    ['/a', '/a%00'],
    ['/a', '/a%0A'],
    ['/a', '/a%20'],
    ['/a/b', '/a//b'],
    ['/a/b', '/a%2Fb'],
    ['/a/b', '/a%5Cb'],
    ['/a?b=1', '/a%3Fb=1'],
    ['/a?b=1', '/a?b=1&'],
    ['/a?b=1', '/a?b=1&b=2'],
    ['/a?b=1&c=2', '/a?c=2&b=1'],
    ['/a?b=1&c=2', '/a?b=1;c=2'],
    ['/a?b=1&c=2', '/a?b=1%26c=2'],
    ['https://example.com/a', 'https://example.com./a'],
    ['https://example.com/a', 'https://example.com:444/a'],
    ['https://example.com/a', 'https://xn--example-.com/a'],
    ['https://example.com//evil.example/a', 'https://evil.example/a'],
  ])('%s shares no response with %s', async (first, second) => {
    const { fetch, calls } = createApp(site, echo)
    for (const path of [first, second, first, second]) {
      const { href } = new URL(path, 'https://example.com')
      expect(await (await fetch(href)).json()).toMatchObject({ url: href })
    }
    expect(calls).toHaveLength(2)
  })

  // OWASP/ASVS#1560, OWASP/wstg#1008
  it.each([
    '/account.css',
    '/account;.css',
    '/account%00.js',
    '/account/x.png',
    '/account/..%2fstatic/x.js',
    '//account',
  ])('with a private page under %s is shared with no other user, whatever its extension', async (path) => {
    const { fetch } = createApp(
      site,
      (c) => c.html(`account of ${c.req.header('cookie')}`, 200, { 'cache-control': 'private' }),
      { expiration: '1h' },
    )
    for (const user of ['a', 'b']) {
      expect(await (await fetch(path, { headers: { cookie: user } })).text()).toBe(`account of ${user}`)
    }
  })
})

describe('a query', () => {
  const byAllowed = { query: { allow: ['page'] } }

  // usestrix/strix#407: parameter cloaking
  it.each(['/a?page=1&utm=1;page=2', '/a?utm=1;page=2&page=1', '/a?page=1&utm=x%26page=2', '/a?page=1&page%5B%5D=2'])(
    'cannot hide a parameter that the key needs: %s',
    async (path) => {
      const { fetch } = createApp(site, (c) => c.text(`page ${c.req.query('page')}`, 200, fresh), byAllowed)
      await fetch(path)
      expect(await (await fetch('/a?page=1')).text()).toBe('page 1')
    },
  )

  it.each(['/a?page=2&page=1', '/a?%70age=2&page=1', '/a?page=2&pag%65=1'])(
    'with a repeated key parameter is another URL: %s',
    async (path) => {
      const { fetch } = createApp(site, (c) => c.text(`page ${c.req.query('page')}`, 200, fresh), byAllowed)
      await fetch(path)
      expect(await (await fetch('/a?page=1')).text()).toBe('page 1')
    },
  )

  it('with any number of unknown parameters has one response', async () => {
    const { fetch, calls } = createApp(site, (c) => c.text('page', 200, fresh), byAllowed)
    for (let i = 0; i < 50; i++) await fetch(`/a?page=1&_=${i}&x${i}=1`)
    expect([calls.length, (await stored(site)).length]).toEqual([1, 1])
  })
})

describe('a request', () => {
  it('with two thousand headers costs the database little more than with none', async () => {
    const { fetch } = createApp(site, (c) => c.text('page', 200, fresh))
    await fetch('/a')
    site.faults.reset()
    await fetch('/a')
    const plain = site.faults.bytesIn
    site.faults.reset()
    await fetch('/a', { headers: Object.fromEntries(times(2_000, (i) => [`x${i}`, ''])) })
    expect(site.faults.bytesIn).toBeLessThan(plain + 32_000)
  })
})
