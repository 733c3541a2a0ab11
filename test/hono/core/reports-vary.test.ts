/** Faults of other caches with variants: Vary, encodings, and responses that differ by a request header. */
import { gunzipSync, gzipSync } from 'node:zlib'
import { type Context, Hono } from 'hono'
import { compress } from 'hono/compress'
import { cors } from 'hono/cors'
import { etag } from 'hono/etag'
import { responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { brief, createApp, createSite, emptied, fresh, ownCache, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const page = 'page '.repeat(1_000)

/** A request through an application with compress or etag between the cache and the handler, as the docs advise. */
function behindCache(...middleware: Parameters<Hono['use']>[1][]) {
  const app = new Hono()
  app.use(responseCache({ cache: ownCache(site) }))
  for (const each of middleware) app.use(each)
  app.get('*', (c) => c.text(page, 200, fresh))
  return async (headers: Record<string, string>) => {
    const response = await app.fetch(new Request('https://example.com/a', { headers }))
    const bytes = Buffer.from(await response.arrayBuffer())
    const isZipped = response.headers.get('content-encoding') === 'gzip'
    return { response, isZipped, text: (isZipped ? gunzipSync(bytes) : bytes).toString() }
  }
}

describe('an encoded response', () => {
  // honojs/hono#5137, dotnet/aspnetcore#48008, middyjs/middy#1253, gin-contrib/cache#69
  it.each([
    ['gzip', 'identity'],
    ['identity', 'gzip'],
    ['gzip, br', 'br;q=1, gzip;q=0'],
  ])('reaches only clients that accept it: first %s, then %s', async (first, second) => {
    const ask = behindCache(compress())
    for (const accepted of [first, second, first, second]) {
      const { isZipped, text } = await ask({ 'accept-encoding': accepted })
      expect(text).toBe(page)
      if (isZipped) expect(accepted).toMatch(/gzip(?!;q=0)/)
    }
  })

  it('reaches no client that states no encodings', async () => {
    const ask = behindCache(compress())
    expect((await ask({ 'accept-encoding': 'gzip' })).isZipped).toBe(true)
    expect((await ask({})).isZipped).toBe(false)
  })

  // kwhitley/apicache#27
  it('without Vary does not reach clients that do not accept it', async () => {
    const zipped = gzipSync(page)
    const { fetch } = createApp(site, (c) =>
      c.req.header('accept-encoding') === 'gzip'
        ? c.body(zipped, 200, { ...fresh, 'content-encoding': 'gzip' })
        : c.text(page, 200, fresh),
    )
    await fetch('/a', { headers: { 'accept-encoding': 'gzip' } })
    expect(await (await fetch('/a')).text()).toBe(page)
  })

  // honojs/hono#4845, hapijs/inert#7
  it('has a weak entity tag, or another one than the plain response', async () => {
    const ask = behindCache(compress(), etag())
    const plain = await ask({})
    const zipped = await ask({ 'accept-encoding': 'gzip' })
    const [a, b] = [plain, zipped].map(({ response }) => response.headers.get('etag') ?? '')
    expect(a === b && !b?.startsWith('W/')).toBe(false)
    const part = await ask({ 'accept-encoding': 'gzip', range: 'bytes=0-9', 'if-range': a ?? '' })
    expect(part.response.status).toBe(200)
  })
})

describe('a response that varies', () => {
  const shown = (name: string) => (c: Context) =>
    c.text(`for ${c.req.header(name) ?? 'none'}`, 200, { ...fresh, vary: name })

  // aws-samples/serverless-full-stack-webapp-starter-kit#118, vercel/next.js#65335
  it('on RSC keeps router payloads apart from documents', async () => {
    const { fetch } = createApp(site, (c) => {
      const vary = 'rsc, next-router-state-tree, next-router-prefetch, next-router-segment-prefetch'
      return c.req.header('rsc') === '1'
        ? c.body('0:["$"]', 200, { ...fresh, vary, 'content-type': 'text/x-component' })
        : c.html('<html>', 200, { ...fresh, vary })
    })
    const asRouter = { rsc: '1', 'next-router-state-tree': '%5B%22%22%5D' }
    for (const _ of [1, 2]) {
      expect((await fetch('/a', { headers: asRouter })).headers.get('content-type')).toBe('text/x-component')
      expect(await (await fetch('/a')).text()).toBe('<html>')
    }
  })

  // eustas/ngx_brotli#26
  it('by two Vary lines varies on both', async () => {
    const { fetch } = createApp(site, (c) => {
      const headers = new Headers(fresh)
      headers.append('vary', 'Accept-Encoding')
      headers.append('vary', 'X-Requested-With')
      return new Response(c.req.header('x-requested-with') ?? 'none', { headers })
    })
    await fetch('/a', { headers: { 'x-requested-with': 'script' } })
    expect(await (await fetch('/a')).text()).toBe('none')
  })

  // w3c/ServiceWorker#656, cloudflare/cloudflare-docs#6175, darkweak/souin#192
  it.each(['*', '*, Accept', 'Accept, *', ' * ', 'Accept,*,X-A', '\u00e9', 'a b'])(
    'on everything answers no other request: %j',
    async (vary) => {
      let count = 0
      const { fetch } = createApp(site, (c) => c.text(String(++count), 200, { ...fresh, vary }))
      for (const expected of ['1', '2']) expect(await (await fetch('/a')).text()).toBe(expected)
    },
  )

  // omalloc/tavern#65
  it('on a header distinguishes an absent header from an empty one', async () => {
    const { fetch } = createApp(site, (c) => {
      const value = c.req.header('x-a')
      return c.text(value === undefined ? 'absent' : `[${value}]`, 200, { ...fresh, vary: 'X-A' })
    })
    await fetch('/a', { headers: { 'x-a': '' } })
    expect(await (await fetch('/a')).text()).toBe('absent')
    expect(await (await fetch('/a', { headers: { 'x-a': '-' } })).text()).toBe('[-]')
  })

  // httpcache4j/httpcache4j#51
  it.each([
    ['"a, b"', '"a,b"'],
    ['a', 'A'],
    ['a', 'a, '],
    ['a', 'a;q=1'],
  ])('on an unknown header never treats %j and %j as equal', async (first, second) => {
    const { fetch } = createApp(site, shown('x-a'))
    await fetch('/a', { headers: { 'x-a': first } })
    const value = new Headers({ 'x-a': second }).get('x-a')
    expect(await (await fetch('/a', { headers: { 'x-a': second } })).text()).toBe(`for ${value}`)
  })

  it('only when a header is present keeps both kinds apart', async () => {
    const { fetch } = createApp(site, (c) =>
      c.req.header('x-preview') ? c.text('draft', 200, { ...fresh, vary: 'X-Preview' }) : c.text('page', 200, fresh),
    )
    for (const _ of [1, 2]) {
      expect(await (await fetch('/a')).text()).toBe('page')
    }
    expect(await (await fetch('/b', { headers: { 'x-preview': '1' } })).text()).toBe('draft')
    expect(await (await fetch('/b')).text()).toBe('page')
  })

  it('by CORS behind the cache names the origin of the request', async () => {
    const app = new Hono()
    app.use(responseCache({ cache: ownCache(site) }))
    app.use(cors({ origin: (origin) => (origin.endsWith('.example') ? origin : null), credentials: true }))
    app.get('*', (c) => c.text('data', 200, fresh))
    const allowed = async (origin?: string) => {
      const headers = origin === undefined ? {} : { origin }
      const response = await app.fetch(new Request('https://example.com/a', { headers }))
      await response.text()
      return response.headers.get('access-control-allow-origin')
    }
    const origins = [
      undefined,
      'https://a.example',
      'https://b.example',
      'https://evil.test',
      undefined,
      'https://b.example',
    ]
    const answers = []
    for (const origin of origins) answers.push(await allowed(origin))
    expect(answers).toEqual([null, 'https://a.example', 'https://b.example', null, null, 'https://b.example'])
  })
})

describe('a URL whose Vary grows', () => {
  it('by names that clients choose keeps other URLs, with a bounded number of rows', async () => {
    const { fetch } = createApp(
      site,
      (c) => c.text(c.req.path, 200, { ...fresh, vary: c.req.header('x-names') ?? 'X-A' }),
      { maxVariants: 10 },
    )
    await fetch('/other')
    for (let i = 0; i < 60; i++) await fetch('/a', { headers: { 'x-names': `X-${i}`, [`x-${i}`]: String(i) } })
    expect((await stored(site)).length).toBeLessThanOrEqual(11)
    expect(brief(await fetch('/other'))).toBe('hit')
  })

  it('with a huge list of names is passed on and not stored', async () => {
    const vary = Array.from({ length: 5_000 }, (_, i) => `X-Name-${i}`).join()
    const { fetch } = createApp(site, (c) => c.text('page', 200, { ...fresh, vary }))
    for (const _ of [1, 2]) expect(await (await fetch('/a')).text()).toBe('page')
    expect(await stored(site)).toEqual([])
  })

  it('with one name many times over has one variant', async () => {
    const vary = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 'Accept' : 'ACCEPT')).join()
    const { fetch } = createApp(site, (c) => c.text('page', 200, { ...fresh, vary }))
    await fetch('/a')
    expect(brief(await fetch('/a'))).toBe('hit')
  })
})
