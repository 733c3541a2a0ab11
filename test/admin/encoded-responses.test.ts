/** The pages of a response that a codec wrote. */
import { Hono } from 'hono'
import { type Codec, compressingCodec, encryptingCodec } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, mount, ORIGIN, parameter, type Site, visitor } from './site.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => site.empty())

const HTML = '<h1>größer</h1><script>alert(1)</script>'
const KEY = parameter('http|GET https://example.com/page')
const encrypting = encryptingCodec({ keys: { k: crypto.getRandomValues(new Uint8Array(32)) } })

async function store(codec: Codec, body: string | Uint8Array<ArrayBuffer>, type = 'text/html') {
  const app = new Hono()
    .use(responseCache({ cache: site.cache({ codec }) }))
    .get('/page', (c) => c.body(body, 200, { 'content-type': type, 'cache-control': 'max-age=600', 'x-note': 'noted' }))
  await (await app.request('https://example.com/page')).arrayBuffer()
}

const pages = (codec?: Codec) => mount(site, { cache: site.cache(codec && { codec }) })
const textOf = (page: string) =>
  page
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replace(/\s+/g, ' ')

describe.each([
  ['encryptingCodec', encrypting],
  ['compressingCodec', compressingCodec({ threshold: 0 })],
])('a response of a cache with %s', (_, codec) => {
  it('is shown decoded, with its headers', async () => {
    await store(codec, HTML)
    const { page } = await visitor(pages(codec)).open(`entry?key=${KEY}`)
    expect(textOf(page)).toContain('Response 200')
    expect(textOf(page)).toContain('x-note noted')
    expect(textOf(page)).toContain(HTML)
    expect(textOf(page)).toContain('decoded')
    expect(page).not.toContain('<script')
  })

  it('is previewed, and downloaded byte by byte', async () => {
    await store(codec, HTML)
    expect((await visitor(pages(codec)).open(`preview?key=${KEY}`)).page).toBe(HTML)
    const bytes = crypto.getRandomValues(new Uint8Array(60_000))
    await site.empty()
    await store(codec, bytes, 'application/octet-stream')
    const response = await pages(codec).request(`${ORIGIN}/cache/download?key=${KEY}`)
    expect(response.headers.get('content-disposition')).toContain('entry.bin')
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes)
  })

  it('is reported as too long to be decoded on the page', async () => {
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('base64')
    await store(codec, noise)
    const { page, bytes } = await visitor(pages(codec)).open(`entry?key=${KEY}`)
    expect(textOf(page)).toContain('as stored, because it is too long to decode here (first part only)')
    expect(textOf(page)).toContain('x-note noted')
    expect(bytes).toBeLessThan(50_000)
  })

  it('has no preview if it is too long for one', async () => {
    const noise = Array.from({ length: 10 }, () =>
      Buffer.from(crypto.getRandomValues(new Uint8Array(30_000))).toString('base64'),
    )
    await store(codec, noise.join(''))
    const { open } = visitor(pages(codec))
    expect((await open(`entry?key=${KEY}`)).page).not.toContain('iframe')
    expect((await open(`preview?key=${KEY}`)).status).toBe(404)
  })
})

it('a response is shown as encoded if the cache has another codec', async () => {
  await store(encrypting, HTML)
  for (const codec of [undefined, encryptingCodec({ keys: { k: crypto.getRandomValues(new Uint8Array(32)) } })]) {
    const { open } = visitor(pages(codec))
    const { page, status } = await open(`entry?key=${KEY}`)
    expect(status).toBe(200)
    expect(textOf(page)).toContain('Response 200')
    expect(textOf(page)).toContain('codec cannot decode the header fields')
    expect(textOf(page)).toContain('as stored, because the codec cannot decode it')
    expect(page).not.toContain('noted')
    expect((await open(`preview?key=${KEY}`)).status).toBe(404)
    const response = await pages(codec).request(`${ORIGIN}/cache/download?key=${KEY}`)
    expect(response.headers.get('content-disposition')).toContain('entry.txt')
    expect(await response.text()).toMatch(/^aes1:k:/)
  }
})
