import { sql } from 'drizzle-orm'
import type { Context } from 'hono'
import { type CacheEvent, type Codec, compressingCodec, devalueCodec, encryptingCodec } from 'pgstash'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, fresh, heldLeases, ownCache, type Site } from '../app.ts'
import { ageEncoded, everything, overwriteRow, rowsOf } from '../encoded.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const newKey = () => crypto.getRandomValues(new Uint8Array(32))
const [JUNE, JULY] = [newKey(), newKey()]
const encrypting = encryptingCodec({ keys: { june: JUNE } })
const both = encryptingCodec({ keys: { june: JUNE, july: JULY }, current: 'july' })
const CODECS: [string, Codec][] = [
  ['encryptingCodec', encrypting],
  ['compressingCodec', compressingCodec()],
  ['compressingCodec in encryptingCodec', encryptingCodec({ keys: { june: JUNE }, codec: compressingCodec() })],
  ['devalueCodec', devalueCodec],
]

/** Incompressible, so that it shows whether it moved. */
const BODY = `the secret body, größer than nothing: "quoted"\n${Array.from({ length: 500 }, () => crypto.randomUUID())}`
const BINARY = crypto.getRandomValues(new Uint8Array(3_000))
const HEADERS = {
  ...fresh,
  etag: '"the-secret-tag"',
  'x-secret-name': 'secret value',
  'content-type': 'text/x-secret',
  'last-modified': 'Tue, 01 Jan 2030 00:00:00 GMT',
}

/** A handler that answers conditions, and whose fields and body can be changed. */
function secretApp(codec: Codec, options: Parameters<typeof createApp>[2] = {}) {
  const state = { body: BODY as string | Uint8Array<ArrayBuffer>, headers: HEADERS as Record<string, string> }
  const events: CacheEvent[] = []
  const handler = (c: Context) => {
    const { body, headers } = state
    if (headers.etag !== undefined && c.req.header('if-none-match') === headers.etag) return c.body(null, 304, headers)
    return c.body(body, 200, headers)
  }
  const app = createApp(site, handler, options, { cache: { codec, onEvent: (event) => events.push(event) } })
  const errors = () => events.filter((event) => event.type === 'error').map(({ error }) => Object(error).code)
  return { ...app, state, events, errors }
}

const get = (headers: Record<string, string> = {}) => ({ headers })

describe.each(CODECS)('responses of a cache with %s', (_, codec) => {
  it('are answered with the same fields and bytes, text or not', async () => {
    const { fetch, state, errors, calls } = secretApp(codec)
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

  it('stay in the database if the client has them: by entity tag, and by date', async () => {
    const { fetch, errors } = secretApp(codec)
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

  it('are freshened by a 304, which rewrites the fields and not the body', async () => {
    const { fetch, state, calls, errors } = secretApp(codec)
    await fetch('/a')
    const [before] = await rowsOf(site)
    await ageEncoded(site, 61_000, codec)
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
    const { fetch, state } = secretApp(codec)
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

  it('are purged, made stale, and separated by Vary', async () => {
    const { fetch, state, calls } = secretApp(codec, { tags: () => ['all'], stale: '1h' })
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

describe('an encrypted response', () => {
  it('shows nothing of its body and fields in the tables', async () => {
    const { fetch, state } = secretApp(encrypting)
    await fetch('/text')
    state.body = new TextEncoder().encode('\0the secret body')
    await fetch('/binary')
    await fetch('/text', get({ 'if-none-match': '"the-secret-tag"' }))
    await ageEncoded(site, 61_000, encrypting)
    await fetch('/text')
    const text = await everything(site)
    expect(text).toContain('https://example.com/binary')
    for (const word of ['secret', 'the-secret-tag', 'x-secret-name', 'content-type', 'max-age', 'quoted']) {
      expect([word, text.includes(word)]).toEqual([word, false])
    }
  })

  it('does not let anyone test guesses of an entity tag', async () => {
    const { fetch } = secretApp(encrypting)
    await fetch('/a')
    const [{ key, meta } = { key: '', meta: '{}' }] = await rowsOf(site)
    const { tag } = JSON.parse(meta)
    const digests = [{ keys: { june: JUNE } }, { keys: { june: JULY } }].map((options) =>
      encryptingCodec(options).digest?.('the-secret-tag', { key }),
    )
    const [own, others] = await Promise.all(digests)
    expect(tag).toBe(own)
    expect(tag).not.toBe(others)
    expect(tag).not.toBe(await encrypting.digest?.('the-secret-tag', { key: `${key}/b` }))
  })

  const swaps: [string, (rows: Awaited<ReturnType<typeof rowsOf>>) => Promise<void>][] = [
    ['whose fields were changed', async ([a]) => overwriteRow(site, a?.key ?? '', { meta: flipped(a?.meta) })],
    ['whose body was changed', async ([a]) => overwriteRow(site, a?.key ?? '', { value: flipped(a?.value) })],
    ['that was moved from another URL', async ([a, b]) => overwriteRow(site, a?.key ?? '', { ...b })],
    ['that has the body of another URL', async ([a, b]) => overwriteRow(site, a?.key ?? '', { value: b?.value ?? '' })],
    ['that has the fields of another URL', async ([a, b]) => overwriteRow(site, a?.key ?? '', { meta: b?.meta ?? '' })],
    ['with its fields in clear', async ([a]) => overwriteRow(site, a?.key ?? '', { meta: await inClear(a) })],
    [
      'with all of it in clear',
      async ([a]) => overwriteRow(site, a?.key ?? '', { meta: planted(a), value: 'planted' }),
    ],
    ['without fields', async ([a]) => overwriteRow(site, a?.key ?? '', { meta: '{"status":200,"vary":[]}' })],
  ]
  it.each(swaps)('%s is a miss and an error event, and is replaced', async (_, swap) => {
    const { fetch, errors, events, calls } = secretApp(encrypting)
    await fetch('/a')
    await fetch('/b')
    await swap(await rowsOf(site))
    site.faults.reset()
    const response = await fetch('/a')
    expect([response.status, await response.text(), brief(response)]).toEqual([200, BODY, 'fwd=miss;stored'])
    expect(errors()).toEqual(['UNREADABLE_VALUE'])
    // The read, again to claim the lease, and the fill.
    expect([site.faults.requests, calls.length]).toEqual([3, 3])
    expect([brief(await fetch('/a')), await heldLeases(site)]).toEqual(['hit', []])
    expect(events.map(({ type }) => type)).toEqual(['miss', 'miss', 'error', 'miss', 'hit'])
  })

  it('cannot be moved to another variant of its URL', async () => {
    const { fetch, state, errors } = secretApp(encrypting)
    state.headers = { ...fresh, vary: 'cookie' }
    for (const user of ['ada', 'bob']) {
      state.body = `of ${user}`
      await fetch('/a', get({ cookie: user }))
    }
    const [a, b] = await rowsOf(site)
    await overwriteRow(site, a?.key ?? '', { ...b })
    for (const user of ['ada', 'bob']) {
      state.body = `of ${user}`
      expect(await (await fetch('/a', get({ cookie: user }))).text()).toBe(`of ${user}`)
    }
    expect(errors()).toEqual(['UNREADABLE_VALUE'])
  })

  it('is not served with an older body of its URL', async () => {
    const { fetch, state, errors } = secretApp(encrypting)
    state.body = 'old body'
    await fetch('/a')
    const [old] = await rowsOf(site)
    await ageEncoded(site, 61_000, encrypting)
    state.body = 'new body'
    state.headers = { ...HEADERS, etag: '"2"' }
    await fetch('/a')
    await overwriteRow(site, old?.key ?? '', { value: old?.value ?? '' })
    expect(await (await fetch('/a')).text()).toBe('new body')
    expect(errors()).toEqual(['UNREADABLE_VALUE'])
  })

  it('is read with each key, and written with the current one', async () => {
    const before = secretApp(encrypting)
    await before.fetch('/a')
    const rotated = secretApp(both)
    expect(brief(await rotated.fetch('/a'))).toBe('hit')
    // The digest of the tag is that of the older key, so the body moves, and the answer is the same.
    expect((await rotated.fetch('/a', get({ 'if-none-match': '"the-secret-tag"' }))).status).toBe(304)
    await ageEncoded(site, 61_000, both)
    expect(brief(await rotated.fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
    expect(brief(await rotated.fetch('/a'))).toBe('hit')
    expect(rotated.errors()).toEqual([])
    // The fields have the new key, the body still the old one.
    const after = secretApp(encryptingCodec({ keys: { july: JULY } }))
    expect(brief(await after.fetch('/a'))).toBe('fwd=miss;stored')
    expect(after.errors()).toEqual(['UNREADABLE_VALUE'])
    expect(brief(await after.fetch('/a'))).toBe('hit')
  })

  it('that cannot be decoded keeps nobody waiting', async () => {
    const before = secretApp(encrypting)
    await before.fetch('/a')
    const { send, settled, calls } = secretApp(encryptingCodec({ keys: { july: JULY } }))
    const responses = await Promise.all(Array.from({ length: 5 }, () => send('/a')))
    await Promise.all(responses.map((response) => response.text()))
    await settled()
    expect([responses.map(({ status }) => status), calls.length]).toEqual([[200, 200, 200, 200, 200], 1])
  })

  it('is stale after a soft purge', async () => {
    const { fetch } = secretApp(encrypting)
    await fetch('/a')
    const { purge } = await import('pgstash/hono')
    await purge(ownCache(site, { codec: encrypting }), { urls: ['https://example.com/a'], soft: true })
    expect(brief(await fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
    expect(brief(await fetch('/a'))).toBe('hit')
  })

  it('is not stored under a key that it was not encrypted for', async () => {
    const { fetch, state } = secretApp(encrypting)
    state.headers = { ...fresh, vary: 'accept-language' }
    const { app } = createApp(
      site,
      async (c) => {
        // Meanwhile the URL's row learns of another field.
        await site.db.execute(sql`
        insert into cache_entries (key, meta) values ('http|GET https://example.com/a', '{"vary":["cookie"]}')
        on conflict do nothing`)
        return c.body(BODY, 200, state.headers)
      },
      {},
      { cache: { codec: encrypting } },
    )
    await (await app.request('https://example.com/a')).text()
    await expect.poll(() => heldLeases(site)).toEqual([])
    expect(await rowsOf(site)).toEqual([])
    expect(brief(await fetch('/a'))).toBe('fwd=vary-miss;stored')
    expect(brief(await fetch('/a'))).toBe('hit')
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
    // Nobody waits for its lease.
    expect(brief(await fetch('/a'))).not.toContain('collapsed')
  })
})

describe('a codec', () => {
  it('that only compresses reads what was stored before the cache had it', async () => {
    await createApp(site, (c) => c.body(BODY, 200, HEADERS)).fetch('/a')
    const { fetch, errors } = secretApp(compressingCodec())
    expect(await (await fetch('/a')).text()).toBe(BODY)
    await age(site, 61_000)
    expect(brief(await fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
    const hit = await fetch('/a')
    expect([brief(hit), await hit.text(), errors()]).toEqual(['hit', BODY, []])
  })

  it('without a digest answers conditions as well, from the body that moves', async () => {
    const { digest: _, ...codec } = encrypting
    const { fetch } = secretApp(codec)
    await fetch('/a')
    expect(JSON.parse((await rowsOf(site))[0]?.meta ?? '')).not.toHaveProperty('tag')
    expect((await fetch('/a', get({ 'if-none-match': '"the-secret-tag"' }))).status).toBe(304)
    expect((await fetch('/a', get({ 'if-none-match': '"other"' }))).status).toBe(200)
  })

  it('for JSON adds nothing to what is stored', async () => {
    const { fetch } = createApp(site, (c) => c.body(BODY, 200, { ...fresh, etag: '"1"' }))
    await fetch('/a')
    const [row] = await rowsOf(site)
    expect(row?.value).toBe(BODY)
    const meta = JSON.parse(row?.meta ?? '')
    const names = ['status', 'headers', 'requestAt', 'responseAt', 'date', 'tag', 'modifiedAt', 'bytes', 'vary']
    expect([Object.keys(meta), meta.tag]).toEqual([names, '1'])
  })
})

function flipped(text = ''): string {
  // Within the codec's text, which is at the end.
  const at = text.length - 20
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}

async function inClear(row: { key: string; meta: string } | undefined): Promise<string> {
  const { fields } = JSON.parse(row?.meta ?? '{}')
  return JSON.stringify(await encrypting.decode(fields, { key: row?.key ?? '' }))
}

function planted(row: { meta: string } | undefined): string {
  const { fields: _, tag: __, ...clear } = JSON.parse(row?.meta ?? '{}')
  return JSON.stringify({ ...clear, headers: [], requestAt: clear.date, responseAt: clear.date, bytes: 7 })
}

function failing(): Codec {
  return {
    encode() {
      throw new Error('broken')
    },
    decode: (text) => JSON.parse(text),
  }
}
