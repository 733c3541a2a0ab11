/** `pgstash get` of stored responses. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { Hono } from 'hono'
import { type Codec, compressingCodec, createCache, encryptingCodec } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { expect, it } from 'vitest'
import { createPool } from '../setup/databases.ts'
import { createSite } from './command.ts'

const GET = ['get', '--namespace', 'http', 'GET https://example.com/page']
const HTML = '<h1>größer</h1>\n'.repeat(200)

async function siteWith(codec?: Codec) {
  const site = await createSite()
  const cache = createCache(drizzle(createPool(site.url)), codec && { codec })
  const app = new Hono()
    .use(responseCache({ cache }))
    .get('/page', (c) => c.html(HTML, 200, { 'cache-control': 'max-age=600' }))
  await (await app.request('https://example.com/page')).text()
  return site
}

it.each([
  ['as it is stored', undefined],
  ['that compressingCodec wrote', compressingCodec()],
])('get prints the body of a response %s', async (_, codec) => {
  const { pgstash } = await siteWith(codec)
  expect(await pgstash(GET)).toEqual({ code: 0, out: HTML, err: '' })
})

it('get reports a response that an unavailable codec encoded, and prints the stored text with --raw', async () => {
  const { pgstash } = await siteWith(encryptingCodec({ keys: { k: crypto.getRandomValues(new Uint8Array(32)) } }))
  expect(await pgstash(GET)).toMatchObject({ code: 3, out: '', err: expect.stringContaining('Use --raw') })
  expect(await pgstash([...GET, '--raw'])).toMatchObject({ code: 0, out: expect.stringMatching(/^aes1:k:/) })
})

it('get finds no expired response', async () => {
  const { pgstash, url } = await siteWith()
  await createPool(url).query("update cache_entries set expires_at = now() - interval '1 s'")
  expect(await pgstash(GET)).toMatchObject({ code: 1, out: '' })
})

it('get lists the variants of a URL, and prints each by its key', async () => {
  const site = await createSite()
  const app = new Hono()
    .use(responseCache({ cache: createCache(drizzle(createPool(site.url))) }))
    .get('/page', (c) => c.html(HTML, 200, { 'cache-control': 'max-age=600', vary: 'accept-language' }))
  await (await app.request('https://example.com/page')).text()
  const { code, out, err } = await site.pgstash(GET)
  const [key = ''] = /^GET \S+ [\da-f]{64}$/m.exec(err) ?? []
  expect([code, out, key]).toEqual([1, '', expect.stringMatching(/^GET https:\/\/example.com\/page /)])
  expect(await site.pgstash(['get', '--namespace', 'http', key])).toEqual({ code: 0, out: HTML, err: '' })
})
