/** Faults of other caches in storing, as inputs and outcomes. The references name the public reports. */
import { gzipSync } from 'node:zlib'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGate } from '../../setup/gate.ts'
import { brief, createApp, createSite, emptied, fresh, type Site, stored, times } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

describe('a cookie', () => {
  // darkweak/souin#806, caddyserver/cache-handler#124, nuxt/nuxt#28527
  it.each(['max-age=60', 'public, s-maxage=60', 'max-age=60, immutable'])(
    'for one client reaches no other client with %s',
    async (value) => {
      let visitors = 0
      const { fetch } = createApp(site, (c) =>
        c.text('page', 200, { 'cache-control': value, 'set-cookie': `id=${++visitors}; Path=/` }),
      )
      const cookies = []
      for (const _ of [1, 2, 3]) cookies.push((await fetch('/a')).headers.getSetCookie())
      expect(cookies).toEqual([['id=1; Path=/'], ['id=2; Path=/'], ['id=3; Path=/']])
      expect(await stored(site)).toEqual([])
    },
  )

  // unjs/ocache#61
  it('that each response creates is not shared by concurrent requests', async () => {
    let sessions = 0
    const running = createGate()
    const { fetch } = createApp(site, async (c) => {
      const own = ++sessions
      if (own === 1) await running.opened
      return c.text('page', 200, { ...fresh, 'set-cookie': `sid=${own}` })
    })
    const answers = times(20, () => fetch('/a'))
    running.open()
    const cookies = (await Promise.all(answers)).map(({ headers }) => headers.get('set-cookie'))
    expect(new Set(cookies).size).toBe(20)
  })
})

describe('a response to a request with Authorization', () => {
  const account = (value: string) => (c: Context) =>
    c.text(`for ${c.req.header('authorization') ?? 'nobody'}`, 200, { 'cache-control': value })

  // darkweak/souin#247, harvard-lil/capstone#373
  it.each(['Bearer a', '', 'nonsense', 'Basic Og=='])('is not stored with %j, which does not allow it', async (own) => {
    const { fetch } = createApp(site, account('max-age=60'))
    await fetch('/a', { headers: { authorization: own } })
    expect(await (await fetch('/a')).text()).toBe('for nobody')
  })

  // apache/trafficserver#7227
  it.each(['s-maxage=60', 'public, max-age=60', 'max-age=60, must-revalidate'])(
    'is shared with %s, which allows it',
    async (value) => {
      const { fetch } = createApp(site, account(value))
      await fetch('/a', { headers: { authorization: 'Bearer a' } })
      const hit = await fetch('/a', { headers: { authorization: 'Bearer b' } })
      expect([brief(hit), await hit.text()]).toEqual(['hit', 'for Bearer a'])
    },
  )
})

describe('an error', () => {
  // flyingsquirrel0419/layercache#44, apigee-127/volos#74, addisonj/node-cacher#20
  it.each([400, 401, 403, 408, 409, 422, 429, 500, 502, 503, 504])(
    '%i is not stored without a lifetime of its own',
    async (status) => {
      let isBroken = true
      const { fetch } = createApp(site, (c) => (isBroken ? c.text('no', status as 400) : c.text('yes', 200)), {
        expiration: '1h',
      })
      expect((await fetch('/a')).status).toBe(status)
      isBroken = false
      expect(await (await fetch('/a')).text()).toBe('yes')
    },
  )

  // outmoded/discuss#759
  it.each<[string, () => Error]>([
    ['an Error', () => new Error('broken')],
    ['an HTTPException with a lifetime', () => new HTTPException(500, { res: new Response('no', { headers: fresh }) })],
  ])('thrown as %s is never served as a hit', async (_name, make) => {
    let isBroken = true
    const { fetch } = createApp(site, (c) => {
      if (isBroken) throw make()
      return c.text('yes', 200, fresh)
    })
    await fetch('/a')
    isBroken = false
    expect(await (await fetch('/a')).text()).toBe('yes')
  })
})

describe('a response to HEAD', () => {
  // addisonj/node-cacher#24, tempesta-tech/tempesta#2580, psf/cachecontrol#216
  it('never empties the page for a later GET', async () => {
    const { fetch } = createApp(site, (c) => c.text('whole page', 200, fresh), { expiration: '1h' })
    for (const _ of [1, 2]) expect((await fetch('/a', { method: 'HEAD' })).status).toBe(200)
    for (const _ of [1, 2]) expect(await (await fetch('/a')).text()).toBe('whole page')
  })

  // caddyserver/cache-handler#59, honojs/node-server#220, senchalabs/connect#418
  it('has the length of the stored body, also if that is encoded', async () => {
    const body = gzipSync('x'.repeat(5_000))
    const { fetch } = createApp(site, (c) => c.body(body, 200, { ...fresh, 'content-encoding': 'gzip' }))
    const headers = { 'accept-encoding': 'gzip' }
    await fetch('/a', { headers })
    const head = await fetch('/a', { method: 'HEAD', headers })
    expect([brief(head), head.headers.get('content-length')]).toEqual(['hit', String(body.length)])
    expect((await fetch('/a', { headers })).headers.get('content-encoding')).toBe('gzip')
  })
})

describe('a partial response', () => {
  const whole = '0123456789'
  const file = (c: Context) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(c.req.header('range') ?? '') ?? []
    if (first === undefined) return c.text(whole, 200, { ...fresh, etag: '"1"' })
    const part = whole.slice(Number(first), Number(last) + 1)
    return c.text(part, 206, { ...fresh, etag: '"1"', 'content-range': `bytes ${first}-${last}/10` })
  }

  // darkweak/souin#667, gregjones/httpcache#51
  it('answers no request for the whole body, and no other range', async () => {
    const { fetch } = createApp(site, file)
    expect(await (await fetch('/a', { headers: { range: 'bytes=0-3' } })).text()).toBe('0123')
    expect(await (await fetch('/a', { headers: { range: 'bytes=4-5' } })).text()).toBe('45')
    expect(await (await fetch('/a')).text()).toBe(whole)
    const part = await fetch('/a', { headers: { range: 'bytes=4-5' } })
    expect([brief(part), part.status, await part.text()]).toEqual(['hit', 206, '45'])
  })

  it('with status 200 is not stored', async () => {
    const { fetch } = createApp(site, (c) => c.text('0123', 200, { ...fresh, 'content-range': 'bytes 0-3/10' }))
    await fetch('/a')
    expect(await stored(site)).toEqual([])
  })

  // varnishcache/varnish-cache#1618
  it('is not stored if the handler ignores the range: the whole body is stored', async () => {
    const { fetch, calls } = createApp(site, (c) => c.text(whole, 200, fresh))
    await fetch('/a', { headers: { range: 'bytes=0-3' } })
    expect(await (await fetch('/a')).text()).toBe(whole)
    expect(calls).toHaveLength(1)
  })
})

describe('a hit', () => {
  // bradoyler/route-cache#56, vercel/next.js#49005, opennextjs/opennextjs-aws#683
  it.each([201, 203, 204, 205, 299, 301, 410])('keeps the status %i', async (status) => {
    const { fetch, calls } = createApp(site, () => new Response(null, { status, headers: fresh }))
    for (const _ of [1, 2]) expect((await fetch('/a')).status).toBe(status)
    expect(calls).toHaveLength(1)
  })

  // nitrojs/nitro#1894, nuxt-modules/og-image#579
  it.each<[string, () => ConstructorParameters<typeof Response>[0]]>([
    ['a Buffer', () => Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255])],
    ['a Blob', () => new Blob([Uint8Array.of(0, 1, 2)], { type: 'image/png' })],
    ['URLSearchParams', () => new URLSearchParams({ a: 'b' })],
    ['text beyond ASCII', () => 'é€𝄞'],
  ])('returns the bytes and the type of %s', async (_name, body) => {
    const { fetch, calls } = createApp(site, () => new Response(body(), { headers: fresh }))
    const miss = await fetch('/a')
    const hit = await fetch('/a')
    expect(Buffer.from(await hit.arrayBuffer())).toEqual(Buffer.from(await miss.arrayBuffer()))
    expect(hit.headers.get('content-type')).toBe(miss.headers.get('content-type'))
    expect(calls).toHaveLength(1)
  })

  it('with form data keeps the boundary in its type', async () => {
    const form = new FormData()
    form.set('name', 'value')
    const { fetch } = createApp(site, () => new Response(form, { headers: fresh }))
    await fetch('/a')
    const hit = await fetch('/a')
    expect([brief(hit), (await hit.formData()).get('name')]).toEqual(['hit', 'value'])
  })

  // cloudflare/miniflare#365, markusahlstrand/node-cloudworker#1
  it('has headers that outer middleware can change', async () => {
    const { fetch } = createApp(
      site,
      (c) => c.text('page', 200, fresh),
      {},
      {
        before: [
          async (c, next) => {
            await next()
            c.res.headers.set('x-cache', 'seen')
          },
        ],
      },
    )
    for (const _ of [1, 2]) expect((await fetch('/a')).headers.get('x-cache')).toBe('seen')
  })
})
