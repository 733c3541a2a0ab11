import { type CacheEvent, type Codec, compressingCodec, devalueCodec, encryptingCodec, jsonCodec } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, fresh, ownCache, type Site } from '../app.ts'
import { ageEncoded, BINARY, BODY, createSecretApp, get, HEADERS, overwriteRow, rowsOf } from '../encoded.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const KEY = crypto.getRandomValues(new Uint8Array(32))
const encrypting = encryptingCodec({ keys: { k: KEY } })
const CODECS: [string, Codec][] = [
  ['encryptingCodec', encrypting],
  ['compressingCodec', compressingCodec()],
  ['compressingCodec in encryptingCodec', encryptingCodec({ keys: { k: KEY }, codec: compressingCodec() })],
  ['devalueCodec', devalueCodec],
]

describe.each(CODECS)('responses of a cache with %s', (_, codec) => {
  it('have the same headers and bytes, text or not', async () => {
    const { fetch, state, errors, calls } = createSecretApp(site, codec)
    for (const [path, body] of Object.entries({ '/text': BODY, '/binary': BINARY, '/empty': '' })) {
      state.body = body
      const miss = await fetch(path)
      const hit = await fetch(path)
      expect([brief(miss), brief(hit)]).toEqual(['fwd=uri-miss;stored', 'hit'])
      for (const [name, value] of Object.entries(HEADERS)) expect(hit.headers.get(name)).toBe(value)
      const bytes = Buffer.from(await hit.arrayBuffer())
      expect(bytes.equals(Buffer.from(body))).toBe(true)
    }
    expect([calls.length, errors()]).toEqual([3, []])
  })

  it('stay in the database if the client has them, by entity tag or by date', async () => {
    const { fetch, errors } = createSecretApp(site, codec)
    await fetch('/a')
    const [{ value } = { value: '' }] = await rowsOf(site)
    for (const [name, condition, status] of [
      ['if-none-match', '"other", "the-secret-tag"', 304],
      ['if-none-match', '*', 304],
      ['if-none-match', '"other"', 200],
      ['if-modified-since', HEADERS['last-modified'], 304],
      ['if-modified-since', 'Tue, 01 Jan 2019 00:00:00 GMT', 200],
    ] as const) {
      site.faults.reset()
      const response = await fetch('/a', get({ [name]: condition }))
      expect([name, condition, response.status, site.faults.requests]).toEqual([name, condition, status, 1])
      expect([condition, site.faults.bytesOut > value.length]).toEqual([condition, status === 200])
      expect(await response.text()).toBe(status === 200 ? BODY : '')
    }
    expect(errors()).toEqual([])
  })

  it('are compared with each of very many entity tags', async () => {
    const { fetch } = createSecretApp(site, codec)
    await fetch('/a')
    const others = Array.from({ length: 100 }, (_, i) => `"${i}"`).join()
    expect((await fetch('/a', get({ 'if-none-match': `${others},"the-secret-tag"` }))).status).toBe(304)
    expect((await fetch('/a', get({ 'if-none-match': others }))).status).toBe(200)
  })

  it('are freshened by a 304, which rewrites the headers but not the body', async () => {
    const { fetch, state, calls, errors } = createSecretApp(site, codec)
    await fetch('/a')
    const [before] = await rowsOf(site)
    await ageEncoded(site, 70_000, codec)
    state.headers = { ...HEADERS, 'x-secret-name': 'another secret' }
    const revalidated = await fetch('/a')
    expect([brief(revalidated), await revalidated.text()]).toEqual(['fwd=stale;fwd-status=304;stored', BODY])
    expect(site.faults.requests).toBe(2)
    const [after] = await rowsOf(site)
    expect(after?.value).toBe(before?.value)
    expect(after?.meta).not.toBe(before?.meta)
    const hit = await fetch('/a')
    expect([brief(hit), hit.headers.get('x-secret-name')]).toEqual(['hit', 'another secret'])
    expect([await hit.text(), calls.length, errors()]).toEqual([BODY, 2, []])
  })

  it('answer HEAD without their body, and ranges from it', async () => {
    const { fetch, state } = createSecretApp(site, codec)
    state.body = BINARY
    await fetch('/a')
    const [{ value } = { value: '' }] = await rowsOf(site)
    site.faults.reset()
    const head = await fetch('/a', { method: 'HEAD' })
    expect([head.headers.get('content-length'), site.faults.bytesOut < value.length]).toEqual(['3000', true])
    const part = await fetch('/a', get({ range: 'bytes=100-109' }))
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 100-109/3000'])
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(BINARY.subarray(100, 110))
    expect((await fetch('/a', get({ range: 'bytes=3000-' }))).status).toBe(416)
    expect(site.faults.requests).toBe(3)
  })

  it('can be purged, marked as stale, and separated by Vary', async () => {
    const { fetch, state, calls } = createSecretApp(site, codec, { tags: () => ['all'], stale: '1h' })
    state.headers = { ...HEADERS, vary: 'accept-language' }
    const [en, de] = [get({ 'accept-language': 'en' }), get({ 'accept-language': 'de' })]
    state.body = 'english'
    await fetch('/a', en)
    state.body = 'deutsch'
    expect(brief(await fetch('/a', de))).toBe('fwd=vary-miss;stored')
    expect([await (await fetch('/a', en)).text(), await (await fetch('/a', de)).text()]).toEqual(['english', 'deutsch'])
    expect(calls).toHaveLength(2)
    await ownCache(site, { codec }).invalidate('all')
    expect(brief(await fetch('/a', en))).toBe('fwd=vary-miss;stored')
  })
})

describe('a response that a codec cannot store', () => {
  it.each([
    ['because it is too large once encoded', 'VALUE_TOO_LARGE', encrypting, 2_000],
    ['because the codec throws', 'UNSERIALIZABLE_VALUE', failing(), undefined],
  ] as const)('%s is passed on, and reported by an event', async (_, code, codec, maxValueBytes) => {
    const events: CacheEvent[] = []
    const cache = { codec, onEvent: (event: CacheEvent) => events.push(event), ...(maxValueBytes && { maxValueBytes }) }
    const { fetch } = createApp(site, (c) => c.body(BODY, 200, HEADERS), {}, { cache })
    expect(await (await fetch('/a')).text()).toBe(BODY)
    expect(events.flatMap((event) => (event.type === 'error' ? [Object(event.error).code] : []))).toEqual([code])
    expect(await rowsOf(site)).toEqual([])
    // No request waits for its lease.
    expect(brief(await fetch('/a'))).not.toContain('collapsed')
  })
})

it('a stored response that is no longer valid base64 is a miss and an error event', async () => {
  const { fetch, state, errors } = createSecretApp(site, jsonCodec)
  state.body = BINARY
  await fetch('/a')
  const [row] = await rowsOf(site)
  await overwriteRow(site, row?.key ?? '', { value: '%' })
  const response = await fetch('/a')
  expect([response.status, brief(response), errors()]).toEqual([200, 'fwd=miss;stored', ['UNREADABLE_VALUE']])
  expect(brief(await fetch('/a'))).toBe('hit')
})

describe('a codec', () => {
  it('that only compresses reads responses stored without it', async () => {
    await createApp(site, (c) => c.body(BODY, 200, HEADERS)).fetch('/a')
    const { fetch, errors } = createSecretApp(site, compressingCodec())
    expect(await (await fetch('/a')).text()).toBe(BODY)
    await age(site, 70_000)
    expect(brief(await fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
    const hit = await fetch('/a')
    expect([brief(hit), await hit.text(), errors()]).toEqual(['hit', BODY, []])
  })

  it('without a digest evaluates conditions on the transferred body', async () => {
    const { digest: _, ...codec } = encrypting
    const { fetch } = createSecretApp(site, codec)
    await fetch('/a')
    expect(JSON.parse((await rowsOf(site))[0]?.meta ?? '')).not.toHaveProperty('tag')
    expect((await fetch('/a', get({ 'if-none-match': '"the-secret-tag"' }))).status).toBe(304)
    expect((await fetch('/a', get({ 'if-none-match': '"other"' }))).status).toBe(200)
  })

  it('for JSON adds nothing to the stored response', async () => {
    const { fetch } = createApp(site, (c) => c.body(BODY, 200, { ...fresh, etag: '"1"' }))
    await fetch('/a')
    const [row] = await rowsOf(site)
    expect(row?.value).toBe(BODY)
    const meta = JSON.parse(row?.meta ?? '')
    const names = ['status', 'headers', 'requestAt', 'responseAt', 'date', 'tag', 'modifiedAt', 'bytes', 'vary']
    expect([Object.keys(meta), meta.tag]).toEqual([names, '1'])
  })
})

function failing(): Codec {
  return {
    encode() {
      throw new Error('broken')
    },
    decode: (text) => JSON.parse(text),
  }
}
