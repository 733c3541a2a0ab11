/** Faults of other caches with conditional requests: 304, ranges of validated responses, and stale responses. */
import type { Context } from 'hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, fresh, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const etag = { ...fresh, etag: '"1"' }

/** Answers 304 to the validators of its page. */
const validating =
  (fields: Record<string, string> = etag, notModified: Record<string, string> = fields) =>
  (c: Context) =>
    c.req.header('if-none-match')?.includes('"1"') ? c.body(null, 304, notModified) : c.text('0123456789', 200, fields)

describe('a 304', () => {
  // louislam/uptime-kuma#7635, varnishcache/varnish-cache#1797
  it('from the cache has no Content-Length and no Content-Type', async () => {
    const { fetch } = createApp(site, validating())
    await fetch('/a')
    const { status, headers } = await fetch('/a', { headers: { 'if-none-match': '"1"' } })
    expect([status, headers.get('content-length'), headers.get('content-type')]).toEqual([304, null, null])
  })

  // sveltejs/kit#3286, honojs/hono#972, a-luna/fastapi-redis-cache#39
  it('from the cache has the fields that a 200 would have', async () => {
    const fields = { ...etag, vary: 'Accept', expires: new Date(0).toUTCString(), 'content-location': '/a' }
    const { fetch } = createApp(site, (c) => c.text('page', 200, fields))
    await fetch('/a')
    const { headers } = await fetch('/a', { headers: { 'if-none-match': '"1"' } })
    for (const [name, value] of Object.entries(fields)) expect([name, headers.get(name)]).toEqual([name, value])
    expect(headers.has('date')).toBe(true)
  })

  // hiero-ledger/hiero-mirror-node#11026, darkweak/souin#467, sveltejs/kit#6558
  it('to the first client leaves a whole response for the second', async () => {
    const { fetch, calls } = createApp(site, validating())
    expect((await fetch('/a', { headers: { 'if-none-match': '"1"' } })).status).toBe(304)
    const hit = await fetch('/a')
    expect([hit.status, await hit.text(), hit.headers.get('content-type')]).toEqual([
      200,
      '0123456789',
      expect.stringMatching(/^text/),
    ])
    expect(calls).toHaveLength(1)
  })

  // darkweak/souin#795
  it.each([{}, { 'if-none-match': '"other"' }, { 'if-modified-since': new Date(0).toUTCString() }])(
    'that the cache asked for never reaches a client that did not: %j',
    async (headers) => {
      const { fetch } = createApp(site, validating())
      await fetch('/a')
      await age(site, 70_000)
      const response = await fetch('/a', { headers })
      expect([response.status, await response.text()]).toEqual([200, '0123456789'])
    },
  )

  // sveltejs/kit#15527
  it.each(['to a client on a miss', 'after a validation'])(
    'keeps each of several cookies on a line of its own %s',
    async (when) => {
      const { fetch } = createApp(site, (c) => {
        for (const name of ['a', 'b', 'c'])
          c.header('set-cookie', `${name}=1; Expires=${new Date(0).toUTCString()}`, { append: true })
        return validating({ 'cache-control': 'max-age=60, no-cache="set-cookie"', etag: '"1"' })(c)
      })
      if (when === 'after a validation') {
        await fetch('/a')
        await age(site, 70_000)
      }
      const response = await fetch('/a', { headers: { 'if-none-match': '"1"' } })
      expect([response.status, response.headers.getSetCookie().length]).toEqual([304, 3])
    },
  )

  // honojs/hono#4170, varnishcache/varnish-cache#1816
  it.each(['W/"1"', '"0", W/"1"', 'W/"0","1"', '"a,b", "1"', '*'])('answers If-None-Match: %s', async (value) => {
    const { fetch } = createApp(site, validating())
    await fetch('/a')
    expect((await fetch('/a', { headers: { 'if-none-match': value } })).status).toBe(304)
  })

  // avoidwork/turtle.io#139, rails ETags without quotes
  it.each(['1', "'1'", '"0"', 'w/"1"', '"1', ''])('does not answer If-None-Match: %s', async (value) => {
    const { fetch } = createApp(site, validating())
    await fetch('/a')
    expect((await fetch('/a', { headers: { 'if-none-match': value } })).status).toBe(200)
  })
})

describe('a validation', () => {
  // nodejs/undici#5505, nodejs/undici#4596
  it.each(['for a waiting client', 'in the background'])('%s takes the new lifetime from the 304', async (where) => {
    const inBackground = where === 'in the background'
    const first = {
      'cache-control': inBackground ? 'max-age=60, stale-while-revalidate=600' : 'max-age=60',
      etag: '"1"',
    }
    const app = createApp(site, validating(first, { 'cache-control': 'max-age=3600', etag: '"1"' }), {
      refresh: (request) => app.app.fetch(request),
    })
    await app.fetch('/a')
    await age(site, 70_000)
    await app.fetch('/a')
    await age(site, 3_000_000)
    expect([brief(await app.fetch('/a')), app.calls.length]).toEqual(['hit', 2])
  })

  // apache/trafficserver#3413
  it.each(['bytes=2-4', 'bytes=-3', 'bytes=0-'])('for a range leaves the whole response: %s', async (range) => {
    const { fetch, calls } = createApp(site, validating())
    await fetch('/a')
    await age(site, 70_000)
    const part = await fetch('/a', { headers: { range } })
    expect(part.status).toBe(206)
    expect((await part.text()).length).toBe(range === 'bytes=0-' ? 10 : 3)
    const whole = await fetch('/a')
    expect([brief(whole), whole.status, await whole.text(), calls.length]).toEqual(['hit', 200, '0123456789', 2])
  })

  // psf/cachecontrol#327
  it('forced by a client that asks for a range returns the range', async () => {
    const { fetch } = createApp(site, validating(), { requestDirectives: true })
    await fetch('/a')
    const part = await fetch('/a', { headers: { range: 'bytes=2-4', 'cache-control': 'no-cache' } })
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10'])
  })

  // rubygems/bundler#6675
  it.each(['bytes=2-', 'bytes=100-', 'nonsense'])('happens before the range is read %s', async (range) => {
    const { fetch } = createApp(site, validating())
    await fetch('/a')
    const response = await fetch('/a', { headers: { range, 'if-none-match': '"1"' } })
    expect([response.status, await response.text()]).toEqual([304, ''])
  })

  // unbit/uwsgi#1587, cherrypy/cherrypy#1699
  it.each(['"0"', 'W/"1"', new Date(0).toUTCString(), 'nonsense', '*'])(
    'by If-Range: %s fails, so the client gets the whole body',
    async (value) => {
      const { fetch } = createApp(site, validating({ ...etag, 'last-modified': new Date(1_000_000).toUTCString() }))
      await fetch('/a')
      const response = await fetch('/a', { headers: { range: 'bytes=2-4', 'if-range': value } })
      expect([response.status, await response.text()]).toEqual([200, '0123456789'])
    },
  )
})

describe('a stale response', () => {
  // kornelski/http-cache-semantics#56, nodejs/undici#5508, envoyproxy/envoy#47403
  it.each(['max-age=60, must-revalidate', 'max-age=60, proxy-revalidate', 's-maxage=60', 'max-age=60, no-cache'])(
    'with %s is not served to a client that accepts stale responses',
    async (value) => {
      let version = 0
      const { fetch } = createApp(
        site,
        (c) => c.text(String(++version), 200, { 'cache-control': value, etag: `"${version}"` }),
        {
          requestDirectives: true,
        },
      )
      await fetch('/a')
      await age(site, 70_000)
      expect(await (await fetch('/a', { headers: { 'cache-control': 'max-stale=1000' } })).text()).toBe('2')
    },
  )

  // fgsch/vcl-snippets#1
  it('is still served while it is refreshed if staleIfError is set as well', async () => {
    let version = 0
    const app = createApp(site, (c) => c.text(String(++version), 200, fresh), {
      stale: '1h',
      staleIfError: '1d',
      refresh: (request) => app.app.fetch(request),
    })
    await app.fetch('/a')
    await age(site, 70_000)
    expect(await (await app.fetch('/a')).text()).toBe('1')
    expect(await (await app.fetch('/a')).text()).toBe('2')
  })

  // magento/magento2#40675, symfony/symfony#35305
  it.each([500, 502, 503, 504])('survives a refresh that answers %i, even with a lifetime', async (status) => {
    let isBroken = false
    const app = createApp(site, (c) => (isBroken ? c.text('no', status as 500) : c.text('page', 200, fresh)), {
      stale: '1h',
      staleIfError: '1d',
      refresh: (request) => app.app.fetch(request),
    })
    await app.fetch('/a')
    await age(site, 70_000)
    isBroken = true
    for (const _ of [1, 2, 3]) expect(await (await app.fetch('/a')).text()).toBe('page')
    expect(await stored(site)).toHaveLength(1)
  })

  const gone: [string, (c: Context) => Response][] = [
    ['404 without a lifetime', (c) => c.text('gone', 404)],
    ['410 with no-store', (c) => c.text('gone', 410, { 'cache-control': 'no-store' })],
    ['a permanent redirect', (c) => c.redirect('/moved', 301)],
    ['a private page', (c) => c.text('own', 200, { 'cache-control': 'private' })],
    ['an empty page without a lifetime', (c) => c.body('')],
  ]

  // nitrojs/nitro#1992
  it.each(gone)('is no longer served once its refresh has got %s', async (_name, answer) => {
    let isGone = false
    const app = createApp(site, (c) => (isGone ? answer(c) : c.text('page', 200, fresh)), {
      stale: '1h',
      refresh: (request) => app.app.fetch(request),
    })
    await app.fetch('/a')
    await age(site, 70_000)
    isGone = true
    expect(await (await app.fetch('/a')).text()).toBe('page')
    expect(await (await app.fetch('/a')).text()).not.toBe('page')
  })

  it('is kept if its refresh was only for one user', async () => {
    const app = createApp(site, (c) => c.text(`page for ${c.req.header('authorization') ?? 'all'}`, 200, fresh), {
      stale: '1h',
      refresh: (request) => app.app.fetch(request),
    })
    await app.fetch('/a')
    await age(site, 70_000)
    expect(await (await app.fetch('/a', { headers: { authorization: 'a' } })).text()).toBe('page for all')
    expect(await stored(site)).toHaveLength(1)
  })

  it.each(gone)('does not replace an error after the handler has answered with %s', async (_name, answer) => {
    let state: 'page' | 'gone' | 'broken' = 'page'
    const { fetch } = createApp(
      site,
      (c) => (state === 'page' ? c.text('page', 200, fresh) : state === 'gone' ? answer(c) : c.text('broken', 500)),
      { staleIfError: '1d' },
    )
    await fetch('/a')
    await age(site, 70_000)
    state = 'gone'
    expect(await (await fetch('/a')).text()).not.toBe('page')
    state = 'broken'
    expect(await (await fetch('/a')).text()).toBe('broken')
  })
})
