import { sql } from 'drizzle-orm'
import { encryptingCodec } from 'pgstash'
import { purge } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { brief, createApp, createSite, emptied, fresh, heldLeases, ownCache, type Site } from '../app.ts'
import { ageEncoded, BODY, createSecretApp, everything, get, HEADERS, overwriteRow, rowsOf } from '../encoded.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const newKey = () => crypto.getRandomValues(new Uint8Array(32))
const [JUNE, JULY] = [newKey(), newKey()]
const encrypting = encryptingCodec({ keys: { june: JUNE } })
const both = encryptingCodec({ keys: { june: JUNE, july: JULY }, current: 'july' })

describe('an encrypted response', () => {
  it('shows nothing of its body and headers in the tables', async () => {
    const { fetch, state } = createSecretApp(site, encrypting)
    await fetch('/text')
    state.body = new TextEncoder().encode('\0the secret body')
    await fetch('/binary')
    await fetch('/text', get({ 'if-none-match': '"the-secret-tag"' }))
    await ageEncoded(site, 70_000, encrypting)
    await fetch('/text')
    const text = await everything(site)
    expect(text).toContain('https://example.com/binary')
    for (const word of ['secret', 'the-secret-tag', 'x-secret-name', 'content-type', 'max-age', 'quoted']) {
      expect([word, text.includes(word)]).toEqual([word, false])
    }
  })

  it('does not allow anyone to test guesses of an entity tag', async () => {
    const { fetch } = createSecretApp(site, encrypting)
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
    ['with changed headers', async ([a]) => overwriteRow(site, a?.key ?? '', { meta: flipped(a?.meta) })],
    ['with a changed body', async ([a]) => overwriteRow(site, a?.key ?? '', { value: flipped(a?.value) })],
    ['that was moved from another URL', async ([a, b]) => overwriteRow(site, a?.key ?? '', { ...b })],
    ['that has the body of another URL', async ([a, b]) => overwriteRow(site, a?.key ?? '', { value: b?.value ?? '' })],
    [
      'that has the headers of another URL',
      async ([a, b]) => overwriteRow(site, a?.key ?? '', { meta: b?.meta ?? '' }),
    ],
    ['with headers in plain text', async ([a]) => overwriteRow(site, a?.key ?? '', { meta: await inClear(a) })],
    ['in plain text', async ([a]) => overwriteRow(site, a?.key ?? '', { meta: planted(a), value: 'planted' })],
    ['without headers', async ([a]) => overwriteRow(site, a?.key ?? '', { meta: '{"status":200,"vary":[]}' })],
  ]
  it.each(swaps)('%s is a miss and an error event, and is replaced', async (_, swap) => {
    const { fetch, errors, events, calls } = createSecretApp(site, encrypting)
    await fetch('/a')
    await fetch('/b')
    await swap(await rowsOf(site))
    site.faults.reset()
    const response = await fetch('/a')
    expect([response.status, await response.text(), brief(response)]).toEqual([200, BODY, 'fwd=miss;stored'])
    expect(errors()).toEqual(['UNREADABLE_VALUE'])
    // The read, a second read to claim the lease, and the fill.
    expect([site.faults.requests, calls.length]).toEqual([3, 3])
    expect([brief(await fetch('/a')), await heldLeases(site)]).toEqual(['hit', []])
    expect(events.map(({ type }) => type)).toEqual(['miss', 'miss', 'error', 'miss', 'hit'])
  })

  it('cannot be moved to another variant of its URL', async () => {
    const { fetch, state, errors } = createSecretApp(site, encrypting)
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
    const { fetch, state, errors } = createSecretApp(site, encrypting)
    state.body = 'old body'
    await fetch('/a')
    const [old] = await rowsOf(site)
    await ageEncoded(site, 70_000, encrypting)
    state.body = 'new body'
    state.headers = { ...HEADERS, etag: '"2"' }
    await fetch('/a')
    await overwriteRow(site, old?.key ?? '', { value: old?.value ?? '' })
    expect(await (await fetch('/a')).text()).toBe('new body')
    expect(errors()).toEqual(['UNREADABLE_VALUE'])
  })

  it('can be read with every configured key, and is written with the current one', async () => {
    const before = createSecretApp(site, encrypting)
    await before.fetch('/a')
    const rotated = createSecretApp(site, both)
    expect(brief(await rotated.fetch('/a'))).toBe('hit')
    // The digest of the tag was computed with the older key, so the body is transferred. The answer is the same.
    expect((await rotated.fetch('/a', get({ 'if-none-match': '"the-secret-tag"' }))).status).toBe(304)
    await ageEncoded(site, 70_000, both)
    expect(brief(await rotated.fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
    expect(brief(await rotated.fetch('/a'))).toBe('hit')
    expect(rotated.errors()).toEqual([])
    // The headers have the new key, the body still has the old one.
    const after = createSecretApp(site, encryptingCodec({ keys: { july: JULY } }))
    expect(brief(await after.fetch('/a'))).toBe('fwd=miss;stored')
    expect(after.errors()).toEqual(['UNREADABLE_VALUE'])
    expect(brief(await after.fetch('/a'))).toBe('hit')
  })

  it('makes no request wait if it cannot be decoded', async () => {
    const before = createSecretApp(site, encrypting)
    await before.fetch('/a')
    const { send, settled, calls } = createSecretApp(site, encryptingCodec({ keys: { july: JULY } }))
    const responses = await Promise.all(Array.from({ length: 5 }, () => send('/a')))
    await Promise.all(responses.map((response) => response.text()))
    await settled()
    expect([responses.map(({ status }) => status), calls.length]).toEqual([[200, 200, 200, 200, 200], 1])
  })

  it('is stale after a soft purge', async () => {
    const { fetch } = createSecretApp(site, encrypting)
    await fetch('/a')
    await purge(ownCache(site, { codec: encrypting }), { urls: ['https://example.com/a'], soft: true })
    expect(brief(await fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
    expect(brief(await fetch('/a'))).toBe('hit')
  })

  it('is not stored under a key that it was not encrypted for', async () => {
    const { fetch, state } = createSecretApp(site, encrypting)
    state.headers = { ...fresh, vary: 'accept-language' }
    const { app } = createApp(
      site,
      async (c) => {
        // Meanwhile the row of the URL records another field of Vary.
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

function flipped(text = ''): string {
  // Within the encoded text, near its end.
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
