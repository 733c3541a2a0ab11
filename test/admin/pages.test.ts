import { gunzipSync, gzipSync } from 'node:zlib'
import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { compressingCodec, devalueCodec, encryptingCodec } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { historyListener } from 'pgstash/telemetry'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { HOSTILE_TEXTS, storeHostile } from './hostile.ts'
import { createSite, mount, ORIGIN, parameter, type Site, visitor } from './site.ts'

/** The maximum size of a page, with HTML and styles. */
const MAX_PAGE_BYTES = 50_000
const ENTRIES = 100_000

let site: Site

beforeAll(async () => {
  site = await createSite()
})

beforeEach(() => site.empty())

const entryPage = (stored: string) => `entry?key=${parameter(stored)}`

/** The cost of a page for the database: requests, and bytes of its answers. */
async function cost(work: () => Promise<unknown>) {
  site.faults.reset()
  await work()
  return { requests: site.faults.requests }
}

describe('the pages', () => {
  it('lead from their mount point to the overview, with and without a slash', async () => {
    const app = mount(site)
    const locations = []
    for (const path of ['/cache', '/cache/']) {
      const response = await app.request(ORIGIN + path)
      const location = response.headers.get('location') ?? ''
      locations.push([response.status, new URL(location, ORIGIN + path).pathname])
    }
    expect(locations).toEqual(Array(2).fill([302, '/cache/overview']))
    const { page } = await visitor(app).open('overview')
    const links = [...page.matchAll(/(?:href|action|src)="([^"]+)"/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(5)
    for (const link of links) expect(link).toMatch(/^(?:\.\/|#main$|data:image\/svg\+xml,)/)
  })

  it('work at the root of an app, and behind a prefix that a proxy removes', async () => {
    const { cacheAdmin } = await import('pgstash/admin')
    const root = cacheAdmin({ cache: site.cache(), authorize: () => true })
    expect((await root.request(`${ORIGIN}/`)).headers.get('location')).toBe('./overview')
    expect((await root.request(`${ORIGIN}/overview`)).status).toBe(200)
  })

  it('report a missing page, entry or form', async () => {
    const { open, submit } = visitor(mount(site))
    for (const path of [
      'none',
      'entries/none',
      entryPage('none'),
      'entry',
      'entry?key=%00',
      `download?key=none`,
      'preview?key=YQ',
    ]) {
      expect([path, (await open(path)).status]).toEqual([path, 404])
    }
    await open('remove?prefix=')
    expect((await submit('none', {})).status).toBe(404)
    expect((await submit('constructor', {})).status).toBe(404)
  })

  it('have the same headers: no scripts, no storing, no frames, no referrer', async () => {
    await site.cache().set('a', 1)
    const { open } = visitor(mount(site))
    for (const path of ['overview', 'entries', entryPage('a'), 'remove', 'none']) {
      const { response } = await open(path)
      const policy = response.headers.get('content-security-policy') ?? ''
      expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+=*'; /)
      expect(policy).toContain("form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|script-src|\*/)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-robots-tag': 'noindex',
      })
    }
  })

  it('show the message of the database, but not its address', async () => {
    const { open } = visitor(mount(site, { cache: site.cache({ timeout: 1_000 }) }))
    site.faults.always({ kind: 'error', status: 500 })
    const { status, page } = await open('overview')
    site.faults.heal()
    expect(status).toBe(503)
    expect(page).toContain('The database did not answer')
    expect(page).not.toMatch(/127\.0\.0\.1|postgres(?:ql)?:/)
  })
})

describe('the overview', () => {
  it('counts entries by namespace, time to the deadline and size, in two statements', async () => {
    const cache = site.cache()
    await cache.namespace('shop').setMany({ a: 'x'.repeat(100), b: 1, c: 2 }, { expiration: '30m' })
    await cache.namespace('a|b').set('k', 1)
    await cache.set('own', 1, { expiration: 0.001 })
    await cache.set('tagged', 1, { tags: ['t'] })
    await cache.invalidate('t')
    await cache.getOrSet('slow', async () => 'value')
    await site.db.execute(sql`update cache_entries set compute_ms = 2500 where key = 'slow'`)
    await site.db.execute(sql`update cache_entries set expires_at = now() - interval '1 hour' where key = 'own'`)
    let page = ''
    expect(await cost(async () => ({ page } = await visitor(mount(site)).open('overview')))).toEqual({ requests: 2 })
    const facts = textOf(page)
    expect(facts).toContain('Live entries 5 2 never expire')
    expect(facts).toContain('Waiting for cleanup 2')
    expect(facts).toContain('Invalidated tags 1')
    expect(facts).toMatch(/shop 3 \d+ B/)
    expect(facts).toMatch(/a\|b 1 \d+ B/)
    expect(facts).toMatch(/\(no namespace\) 3 \d+ B/)
    expect(facts).toContain('expired 2 1 min 0 10 min 0 1 h 3 6 h 0 1 d 0 7 d 0 30 d 0 later 0 never 2')
    expect(facts).toContain('slow 2.5 s')
    expect(page).toContain(`href="./entries?prefix=${encodeURIComponent('a\\|b|')}"`)
  })

  it('covers the namespace of its cache, and nothing else', async () => {
    await site.cache({ namespace: 'shop' }).setMany({ a: 1, b: 2 })
    await site.cache({ namespace: 'shops' }).set('c', 3)
    await site.cache({ namespace: 'shop' }).namespace('inner').set('d', 4)
    const { page } = await visitor(mount(site, { cache: site.cache({ namespace: 'shop' }) })).open('overview')
    const facts = textOf(page)
    expect(facts).toContain('Live entries 3')
    expect(facts).toMatch(/\(no namespace\) 2 .*inner 1/)
    expect(facts).toContain('Namespace shop')
  })

  it('plots the recorded history, and explains how to record one if there is none', async () => {
    const { open } = visitor(mount(site))
    expect(textOf((await open('overview')).page)).toContain('historyListener from pgstash/telemetry')
    const listener = historyListener(site.db, { name: 'shop' })
    const cache = site.cache({ onEvent: listener })
    await cache.getOrSet('key', () => 1)
    for (let i = 0; i < 3; i++) await cache.get('key')
    await cache.invalidate(['a', 'b'])
    await cache.clearExpired()
    for (let i = 0; i < 5; i++) await cache.limit('client', { limit: 2, period: '1m' })
    await listener.flush()
    for (const span of ['hour', 'day', 'week', 'nonsense']) {
      const facts = textOf((await open(`overview?span=${span}`)).page)
      expect(facts).toContain('75.0 % of all reads found a value.')
      expect(facts).toContain('3 hits, 0 stale, 1 miss.')
      expect(facts).toContain('2 tags were invalidated.')
      expect(facts).toContain('1 run removed 0 entries.')
      expect(facts).toContain('2 calls were allowed, 3 refused.')
    }
    const other = visitor(mount(site, { history: 'other' }))
    expect(textOf((await other.open('overview')).page)).toContain('No history was recorded in this time.')
  })

  it('works before the history table exists', async () => {
    const tables = cacheTables({ prefix: 'older_' })
    await migrate(site.db, { tables })
    await site.db.execute(sql`drop table older_cache_history`)
    const { status, page } = await visitor(mount(site, { cache: site.cache({ tables }) })).open('overview')
    expect(status).toBe(200)
    expect(textOf(page)).toContain('The history table does not exist yet. To create it, run npx pgstash migrate')
  })
})

describe('entries', () => {
  it('are listed in key order by prefix and state, a page at a time, with one statement a page', async () => {
    const cache = site.cache()
    await cache.setMany(Array.from({ length: 60 }, (_, i) => [`user:${String(i).padStart(2, '0')}`, i] as const))
    await cache.setMany({ 'user:10': 1, 'user:40': 1 }, { expiration: '1h' })
    await cache.set('other', 1)
    await site.db.execute(sql`update cache_entries set expires_at = now() - interval '1 second' where key = 'user:40'`)
    const { open } = visitor(mount(site))
    const shown = async (path: string): Promise<string[][]> => {
      const pages = []
      for (let next: string | undefined = path; next !== undefined; ) {
        let page = ''
        expect(await cost(async () => ({ page } = await open(next ?? '')))).toEqual({ requests: 1 })
        pages.push([...page.matchAll(/href="\.\/entry\?key=[\w-]+">([^<]+)</g)].map(([, key = '']) => key))
        next = /href="\.\/([^"]+)" rel="next"/.exec(page)?.[1]?.replaceAll('&amp;', '&')
      }
      return pages
    }
    const users = await shown('entries?prefix=user%3A')
    expect(users.map(({ length }) => length)).toEqual([20, 20, 20])
    expect(users.flat()).toEqual(Array.from({ length: 60 }, (_, i) => `user:${String(i).padStart(2, '0')}`))
    expect(await shown('entries?prefix=user%3A4&state=expired')).toEqual([['user:40']])
    expect((await shown('entries?state=live')).flat()).toHaveLength(60)
    expect((await shown('entries?state=forever')).flat()).toHaveLength(59)
    expect((await shown('entries?state=nonsense')).flat()).toHaveLength(61)
    expect(textOf((await open('entries?prefix=nobody')).page)).toContain('No entries match.')
  })

  it('are only those in the namespace of the cache, whatever key or prefix is requested', async () => {
    await site.cache({ namespace: 'other' }).set('secret', 'of another')
    const { open } = visitor(mount(site, { cache: site.cache({ namespace: 'own' }) }))
    for (const path of [
      'entries?prefix=other%7C',
      'entries?prefix=..%2Fother',
      `entries?after=${parameter('other|')}`,
      entryPage('other|secret'),
      `download?key=${parameter('other|secret')}`,
    ]) {
      expect((await open(path)).page).not.toContain('secret')
    }
    expect((await open(entryPage('other|secret'))).status).toBe(404)
  })

  it('are shown as invalidated if a tag was invalidated, without a deadline', async () => {
    const cache = site.cache()
    await cache.getOrSet('rejected', 1, { expiration: '1h', tags: ['t'], stale: '1d' })
    await cache.set('past', 1, { expiration: '1h' })
    await cache.set('live', 1, { expiration: '1h' })
    await cache.invalidate('t')
    await site.db.execute(sql`update cache_entries set expires_at = now() - interval '2 min',
      kept_until = now() - interval '2 min' where key = 'past'`)
    const { open } = visitor(mount(site))
    const rows = (await open('entries')).page.match(/<tbody>.*<\/tbody>/s)?.[0].split('</tr>') ?? []
    const [live, past, rejected] = rows.map(textOf)
    expect(live).toMatch(/^live live in \d+ min/)
    expect(past).toMatch(/^past expired 2 min ago/)
    expect(rejected).toMatch(/^rejected invalidated – /)
    expect(textOf((await open('entries?state=expired')).page)).toMatch(/past expired .* rejected invalidated/)
    const facts = async (key: string) => textOf((await open(entryPage(key))).page)
    expect(await facts('rejected')).toContain('State invalidated by a tag: a miss Size')
    expect(await facts('past')).toMatch(/State expired: a miss Expires 2 min ago, /)
    expect(await facts('live')).toMatch(/State live Expires in \d+ min, /)
    await site.db.execute(sql`update cache_entries set kept_until = now() + interval '1 h' where key = 'past'`)
    expect(await facts('past')).toMatch(/State stale: .* Expires 2 min ago, /)
    await site.db.execute(sql`update cache_entries set kept_until = null where key = 'past'`)
    expect(await facts('past')).toContain('State stale: ')
    await site.db.execute(sql`update cache_entries set kept_until = expires_at where key = 'past'`)
    const overview = textOf((await open('overview')).page)
    expect(overview).toContain('Live entries 1 ')
    expect(overview).toContain('Waiting for cleanup 2')
  })

  it('show bytes in base64, and download them unchanged', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    await site.cache().set('logo', bytes)
    const app = mount(site)
    const { page } = await visitor(app).open(entryPage('logo'))
    expect(textOf(page)).toContain('bytes in base64')
    expect(textOf(page)).toContain('AAECAwQF')
    const response = await app.request(`${ORIGIN}/cache/download?key=${parameter('logo')}`)
    expect(response.headers.get('content-disposition')).toContain('entry.bin')
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes)
  })

  it('can be seen and distinguished whatever their keys and tags contain', async () => {
    const cache = site.cache()
    const keys = [
      ' ',
      '  ',
      '\t',
      '\u200b',
      'a',
      ' a',
      'a\u00a0',
      'е',
      'e',
      'caf\u00e9',
      'cafe\u0301',
      'a / b',
      `${'k'.repeat(300)}1`,
      `${'k'.repeat(300)}2`,
    ]
    await cache.setMany(keys.map((key) => [key, 1]))
    await cache.namespace('a').set('b', 1, { tags: [' '] })
    const { open } = visitor(mount(site))
    const { page } = await open('entries')
    const links = [...page.matchAll(/<a href="\.\/entry\?key=[^"]+">([^<]*)<\/a>/g)].map(([, name = '']) => name)
    expect(new Set(links).size).toBe(keys.length + 1)
    for (const name of links) expect(name).toMatch(/^\S(?:.*\S)?$/)
    expect(links).toContain('\\u{0020}')
    expect(page).toContain('<span class="tag">\\u{0020}</span>')
    for (const [key, heading, stored] of [
      [' ', '\\u{0020}', '\\u{0020}'],
      ['cafe\u0301', 'cafe\\u{0301}', 'cafe\\u{0301}'],
      ['caf\u00e9', 'caf\u00e9', 'caf\\u{00e9}'],
      ['a|b', 'a / b', 'a|b'],
    ] as const) {
      const shown = (await open(entryPage(key))).page
      expect(shown).toContain(`<h1>${heading}</h1>`)
      expect(shown).toContain(`<code>${stored}</code>`)
    }
    // The text that a page shows finds the entry when pasted into the filter.
    for (const [typed, found] of [
      ['cafe\\u{0301}', 'cafe\\u{0301}'],
      ['\\u{0020}\\u{0020}', '\\u{0020}\\u{0020}'],
      ['a|', 'a / b'],
    ] as const) {
      const filtered = (await open(`entries?prefix=${encodeURIComponent(typed)}`)).page
      expect([...filtered.matchAll(/<a href="\.\/entry\?key=[^"]+">([^<]*)<\/a>/g)].map(([, name]) => name)).toEqual([
        found,
      ])
      expect(filtered).toContain(`name="prefix" value="${typed}"`)
    }
    expect((await open('entries?prefix=%5Cu%7Bffffff%7D')).status).toBe(200)
    expect((await open('entries?prefix=%5Cu%7Bd800%7D')).status).toBe(400)
    expect((await open('remove?prefix=%20')).page).toContain('<code>\\u{0020}</code>')
    expect((await open('remove?tag=%20')).page).toContain('<code>\\u{0020}</code>')
  })

  it('are refused with an explanation if the prefix cannot belong to a key', async () => {
    const { open } = visitor(mount(site))
    expect((await open(`entries?prefix=${'x'.repeat(513)}`)).status).toBe(400)
    expect((await open('entries?prefix=%00')).status).toBe(400)
  })
})

describe('the page of an entry', () => {
  it.each<[string, unknown, string]>([
    ['an object', { a: [1, { b: null }], c: 'x' }, '{ "a": [ 1, { "b": null } ], "c": "x" }'],
    ['a number', 42.5, '42.5'],
    ['null', null, 'null'],
    ['a text with U+0000 and a lone surrogate', '\u0000\ud800<b>', '"\\u0000\\ud800<b>"'],
  ])('shows %s', async (_name, value, shown) => {
    await site.cache().set('key', value)
    const { page } = await visitor(mount(site)).open(entryPage('key'))
    expect(textOf(/<pre[^>]*>(.*?)<\/pre>/s.exec(page)?.[1] ?? '')).toBe(shown)
  })

  it.each([
    ['compressing', compressingCodec()],
    ['encrypting', encryptingCodec({ keys: { only: Uint8Array.from({ length: 32 }, (_, i) => i) } })],
  ])('shows a value of a %s codec decoded', async (_name, codec) => {
    const cache = site.cache({ codec })
    await cache.set('key', { text: 'word '.repeat(500) })
    const { open } = visitor(mount(site, { cache }))
    expect(textOf((await open(entryPage('key'))).page)).toContain('"text": "word word')
    expect(JSON.parse(await (await open(`download?key=${parameter('key')}`)).page)).toEqual({
      text: 'word '.repeat(500),
    })
    // If the codec cannot decode it, it is shown as it is stored.
    expect(textOf((await visitor(mount(site)).open(entryPage('key'))).page)).toContain('the codec cannot decode it')
  })

  it('shows values without a JSON form in the notation of devalue, and not as empty', async () => {
    const codec = encryptingCodec({ keys: { k: Uint8Array.from({ length: 32 }, (_, i) => i) }, codec: devalueCodec })
    const cache = site.cache({ codec })
    await cache.setMany({ key: { map: new Map([['inside', 12n]]) }, plain: { at: 'noon' } })
    const { open } = visitor(mount(site, { cache }))
    expect(textOf((await open(entryPage('key'))).page)).toMatch(/decoded .*\["Map",2,3\],"inside",\["BigInt","12"\]/)
    expect(textOf((await open(entryPage('plain'))).page)).toContain('{ "at": "noon" }')
    const { response, page } = await open(`download?key=${parameter('key')}`)
    expect(response.headers.get('content-disposition')).toContain('entry.txt')
    expect(page).toContain('"inside"')
  })

  it('transfers the beginning of a large value, and its download transfers all of it', async () => {
    const value = `${'0123456789'.repeat(500_000)}the end`
    await site.cache().set('large', value)
    const { open } = visitor(mount(site))
    const { page, bytes } = await open(entryPage('large'))
    expect(bytes).toBeLessThan(MAX_PAGE_BYTES)
    expect(textOf(page)).toContain('4.8 MB')
    expect(textOf(page)).toContain('first part only')
    expect(await answeredBytes(() => open(entryPage('large')))).toBeLessThan(40_000)
    const { response } = await open(`download?key=${parameter('large')}`)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="entry.json"',
    })
    const download = await mount(site).request(`${ORIGIN}/cache/download?key=${parameter('large')}`)
    expect(await download.json()).toBe(value)
  })

  it('finds an entry whose key was too long to be stored whole', async () => {
    const cache = site.cache()
    await cache.set('k'.repeat(2_000), 'found')
    const { open } = visitor(mount(site))
    const link = /href="\.\/(entry\?key=[\w-]+)"/.exec((await open('entries')).page)?.[1] ?? ''
    expect(textOf((await open(link)).page)).toContain('"found"')
  })

  it('shows the current computation, how long the last one took, and until when a stale value is kept', async () => {
    const cache = site.cache()
    await cache.getOrSet('key', () => 1, { expiration: '1h', stale: '1d' })
    const facts = textOf((await visitor(mount(site)).open(entryPage('key'))).page)
    expect(facts).toContain('Compute time')
    expect(facts).toContain('Served stale until')
    expect(facts).not.toContain('being computed now')
    await site.db.execute(sql`
      insert into cache_leases (key, token, expires_at) values ('key', 'of another', now() + interval '1 minute')
      on conflict (key) do update set token = excluded.token, expires_at = excluded.expires_at`)
    expect(textOf((await visitor(mount(site)).open(entryPage('key'))).page)).toContain('being computed now')
  })
})

describe('a stored response', () => {
  const HTML = '<h1>Hello</h1><script>window.harmed = true</script>'

  /** Stores the answer of a handler, like `responseCache`. */
  async function store(body: string | Uint8Array<ArrayBuffer>, type: string) {
    const app = new Hono()
      .use(responseCache({ cache: site.cache() }))
      .get('/page', (c) =>
        c.body(body, 200, { 'content-type': type, 'cache-control': 'max-age=600', 'x-note': HOSTILE_TEXTS.breakout }),
      )
    await (await app.request('https://example.com/page')).text()
    return parameter('http|GET https://example.com/page')
  }

  it('is shown with its status, its headers and its body as text', async () => {
    const key = await store(HTML, 'text/html')
    const { page } = await visitor(mount(site)).open(`entry?key=${key}`)
    const facts = textOf(page)
    expect(facts).toContain('Response 200')
    expect(facts).toContain('cache-control max-age=600')
    expect(facts).toContain(`x-note ${HOSTILE_TEXTS.breakout}`)
    expect(facts).toContain(HTML)
    expect(page).not.toContain('<script')
    expect(page).toMatch(/<iframe[^>]* sandbox=""[^>]* src="\.\/preview\?key=/)
  })

  it('is previewed in a sandbox that runs and loads nothing', async () => {
    const key = await store(HTML, 'text/html; charset=utf-8')
    const { response, page } = await visitor(mount(site)).open(`preview?key=${key}`)
    expect(page).toBe(HTML)
    expect(response.headers.get('content-security-policy')).toBe(
      "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
    )
  })

  it('has no preview if it is not a page, and neither has any other value', async () => {
    const { open } = visitor(mount(site))
    expect((await open(`preview?key=${await store(HTML, 'text/plain')}`)).status).toBe(404)
    await site.cache().set('value', HTML)
    expect((await open(`preview?key=${parameter('value')}`)).status).toBe(404)
  })

  it('is downloaded byte by byte', async () => {
    const bytes = new Uint8Array(gzipSync('binary'))
    const key = await store(bytes, 'application/gzip')
    const response = await mount(site).request(`${ORIGIN}/cache/download?key=${key}`)
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(gunzipSync(Buffer.from(await response.arrayBuffer())).toString()).toBe('binary')
  })
})

describe('malicious keys, tags and values', () => {
  it('are text on every page, and no page is larger than 50 KB', async () => {
    const cache = site.cache()
    await storeHostile(cache)
    const log = vi.spyOn(console, 'error')
    const { open } = visitor(mount(site, { title: HOSTILE_TEXTS.breakout }))
    const { page: list } = await open('entries')
    const links = [...list.matchAll(/href="\.\/(entry\?key=[\w-]+)"/g)].map(([, link = '']) => link)
    expect(links.length).toBe(Object.keys(HOSTILE_TEXTS).length + 3)
    const texts = Object.values(HOSTILE_TEXTS).map(encodeURIComponent)
    const paths = [
      'overview',
      'entries',
      ...links,
      ...texts
        .slice(0, 5)
        .flatMap((text) => [`remove?tag=${text}`, `remove?prefix=${text}`, `entries?prefix=${text}&state=${text}`]),
      ...texts.map((text) => `overview?span=${text}&done=${text}&n=${text}`),
    ]
    for (const path of paths) {
      const { page, bytes, status } = await open(path)
      expect([path, status]).toEqual([path, 200])
      expect(bytes).toBeLessThan(MAX_PAGE_BYTES)
      // The only elements are those of the pages, and no attribute of them runs code.
      expect(page).not.toMatch(/<script|<img|\son\w+="|(?:href|src|action)="javascript:/)
      expect(page).not.toMatch(/(?![\n\t])[\p{Cc}\p{Default_Ignorable_Code_Point}]/u)
    }
    expect(log).not.toHaveBeenCalled()
    log.mockRestore()
  })

  it('stay below 50 KB with the longest keys, a hundred tags each, and values that grow most by escaping', async () => {
    const cache = site.cache()
    const tags = Array.from({ length: 100 }, (_, i) => `${'"'.repeat(500)}${i}`)
    const values = {
      quotes: '"'.repeat(40_000),
      brackets: [[[[{ a: '<&>"\''.repeat(3_000) }]]]],
      raw: '\u202e'.repeat(20_000),
    }
    for (const [name, value] of Object.entries(values))
      await cache.set(`${'"'.repeat(600)}${name}`, value, { tags, expiration: '1h' })
    await cache.setMany(
      Array.from({ length: 40 }, (_, i) => [`${'&'.repeat(600)}${i}`, 1] as const),
      { tags },
    )
    await site.db.execute(
      sql`update cache_entries set meta = ${JSON.stringify({
        status: 200,
        headers: Array.from({ length: 200 }, (_, i) => [`"x-${i}`, '"'.repeat(2_000)]),
      })} where key like '&%'`,
    )
    await site.db.execute(sql`update cache_entries set value = repeat(chr(8238), 30000) where key like '%raw%'`)
    await site.db.execute(sql`
      insert into cache_history (name, bucket_at, hits, misses, stale, fills, fill_ms, invalidations, cleanups, removed)
      select 'shop', now() - m * interval '5 minutes', 1e6, 1e6, 1e6, 1e6, 1e9, 1e6, 1e6, 1e6 from generate_series(0, 2015) as m`)
    for (let i = 0; i < 10; i++) await cache.namespace(`${'"'.repeat(120)}${i}`).set('"'.repeat(600), i)
    await site.db.execute(sql`update cache_entries set compute_ms = 1e5`)
    const { open } = visitor(mount(site))
    const first = await open('entries')
    const sizes = [first.bytes]
    const longest = encodeURIComponent('"'.repeat(512))
    for (const [, link = ''] of first.page.matchAll(/href="\.\/(entry\?key=[\w-]+)"/g))
      sizes.push((await open(link)).bytes)
    expect(sizes).toHaveLength(21)
    for (const path of [
      `entries?prefix=${longest}`,
      `remove?prefix=${longest}`,
      `remove?tag=${longest}`,
      'overview?span=day',
    ]) {
      sizes.push((await open(path)).bytes)
    }
    console.log(`The largest of ${sizes.length} pages, made to be large: ${Math.max(...sizes)} bytes.`)
    expect(Math.max(...sizes)).toBeLessThan(MAX_PAGE_BYTES)
  })
})

describe(`a table of ${ENTRIES.toLocaleString('en-US')} entries`, () => {
  it('can be paged to its end, viewed and counted, with one or two statements a page and as many bytes as a small one', async () => {
    await site.db.execute(sql`
      insert into cache_entries (key, value, expires_at, kept_until)
      select 'ns' || i % 7 || '|key:' || lpad(i::text, 6, '0'), repeat(md5(i::text), 12), now() + i * interval '1 second', now() + i * interval '1 second'
      from generate_series(1, ${sql.raw(String(ENTRIES))}) as i`)
    const { open } = visitor(mount(site))
    for (const [path, requests, expected] of [
      ['overview', 2, /Live entries (?:≈ )?(?:9\d|10\d|11\d),\d{3}/],
      ['entries', 1, /ns0 \/ key:000007/],
      ['entries?prefix=ns6%7Ckey%3A0999', 1, /ns6 \/ key:099910/],
      ['entries?state=forever', 1, /This page checked 5,000 entries and found no matches/],
      [`entries?after=${parameter('ns6|key:099')}`, 1, /ns6 \/ key:099000|ns6 \/ key:09900[0-6]/],
      ['remove?prefix=', 1, /At least 100,000 entries|100,000 entries/],
      ['remove?prefix=ns3%7C', 1, /14,286 entries/],
    ] as const) {
      let answer: Awaited<ReturnType<typeof open>> | undefined
      const bytes = await answeredBytes(async () => {
        site.faults.reset()
        answer = await open(path)
      })
      expect([path, site.faults.requests]).toEqual([path, requests])
      expect(textOf(answer?.page ?? '')).toMatch(expected)
      expect(bytes).toBeLessThan(15_000)
      expect(answer?.bytes).toBeLessThan(MAX_PAGE_BYTES)
    }
  })
})

/** The bytes that the database returned meanwhile. */
async function answeredBytes(work: () => Promise<unknown>): Promise<number> {
  const real = globalThis.fetch
  let bytes = 0
  globalThis.fetch = async (...args) => {
    const response = await real(...args)
    bytes += (await response.clone().arrayBuffer()).byteLength
    return response
  }
  try {
    await work()
  } finally {
    globalThis.fetch = real
  }
  return bytes
}

/** The text that a reader sees. */
function textOf(page: string): string {
  return page
    .replace(/<title.*?<\/title>|<desc.*?<\/desc>|<svg.*?<\/svg>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&(lt|gt|quot|amp|#39);/g, (_, name: string) => ({ lt: '<', gt: '>', quot: '"', amp: '&' })[name] ?? "'")
    .replace(/\s+/g, ' ')
    .trim()
}
