/** Faults of other caches with purges, tags, and unsafe requests. */
import type { Context } from 'hono'
import { purge } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../setup/eventually.ts'
import { createGate } from '../../setup/gate.ts'
import { age, brief, createApp, createSite, emptied, fresh, ownCache, type Site, stored, stream } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const paths = async () => [...new Set((await stored(site)).map((key) => new URL(key.split(' ')[1] ?? '').pathname))]

/** Responses are tagged by their query. */
const tagged = (c: Context) => c.text('page', 200, { ...fresh, 'cache-tag': c.req.query('tag') ?? '' })

describe('a purge by tag', () => {
  // darkweak/souin#867
  it.each(['/items', 'items', 'item.', '.*', 'items/%', 'items_1', '/items/1/'])(
    'with tag %j leaves the tags that contain or match it',
    async (tag) => {
      const { fetch } = createApp(site, tagged)
      await fetch('/a?tag=/items/1')
      await fetch('/b?tag=items/1')
      await purge(ownCache(site), { tags: [tag] })
      for (const path of ['/a?tag=/items/1', '/b?tag=items/1']) expect(brief(await fetch(path))).toBe('hit')
    },
  )

  // cloudflare/cloudflare-docs#9726
  it.each([
    ['a,,,b', 'b'],
    [' , a ,', 'a'],
    ['a b', 'a b'],
    ['a;b=c', 'a;b=c'],
    ["it's", "it's"],
    ['{1}', '{1}'],
    ['\\', '\\'],
    ['NULL', 'NULL'],
    ['null,a', 'null'],
    ['\u00e9', '\u00e9'],
    ['\u0001', '\u0001'],
    ['*', '*'],
    ['a"b', 'a"b'],
    ['5" screen, 7" screen', '7" screen'],
    [`${'a'.repeat(3_000)}1, ${'a'.repeat(3_000)}2`, `${'a'.repeat(3_000)}2`],
  ])('finds a response with Cache-Tag: %j', async (value, tag) => {
    const { fetch } = createApp(site, (c) => c.text('page', 200, { ...fresh, 'cache-tag': value }))
    expect(brief(await fetch('/a'))).toBe('fwd=uri-miss;stored')
    expect(brief(await fetch('/a'))).toBe('hit')
    await purge(ownCache(site), { tags: [tag] })
    expect(brief(await fetch('/a'))).toMatch(/stored$/)
  })

  it('finds each of five thousand tags of one response', async () => {
    const tags = Array.from({ length: 5_000 }, (_, i) => `tag-${i}`)
    const { fetch } = createApp(site, (c) => c.text('page', 200, { ...fresh, 'cache-tag': tags.join() }))
    await fetch('/a')
    expect(brief(await fetch('/a'))).toBe('hit')
    await purge(ownCache(site), { tags: ['tag-4999'] })
    expect(brief(await fetch('/a'))).toBe('fwd=miss;stored')
  })

  it('finds a response whose tags came on two lines, and with a 304', async () => {
    const { fetch } = createApp(site, (c) => {
      const headers = new Headers({ ...fresh, etag: '"1"' })
      const isValid = c.req.header('if-none-match') === '"1"'
      for (const tag of isValid ? ['new'] : ['first', 'second']) headers.append('cache-tag', tag)
      return new Response(isValid ? null : 'page', { status: isValid ? 304 : 200, headers })
    })
    await fetch('/a')
    await purge(ownCache(site), { tags: ['second'] })
    expect(brief(await fetch('/a'))).toBe('fwd=miss;stored')
    await age(site, 70_000)
    await fetch('/a')
    await purge(ownCache(site), { tags: ['first'] })
    expect(brief(await fetch('/a'))).toBe('hit')
    await purge(ownCache(site), { tags: ['new'] })
    expect(brief(await fetch('/a'))).toBe('fwd=miss;stored')
  })
})

describe('a purge by URL', () => {
  // FRiCKLE/ngx_cache_purge#36
  it.each([false, true])('reaches every variant, soft: %s', async (soft) => {
    const { fetch } = createApp(site, (c) => c.text('page', 200, { ...fresh, vary: 'Accept-Encoding, X-A' }))
    const variants: Record<string, string>[] = [
      {},
      { 'accept-encoding': 'gzip' },
      { 'x-a': '1' },
      { 'accept-encoding': 'br', 'x-a': '2' },
    ]
    for (const headers of variants) await fetch('/a', { headers })
    await purge(ownCache(site), { urls: ['https://example.com/a'], soft })
    for (const headers of variants) expect(brief(await fetch('/a', { headers }))).toMatch(/stored$/)
  })

  // varnishcache/varnish-cache#4082
  it.each([false, true])('during a validation is not undone by the 304, soft: %s', async (soft) => {
    const [asked, answers] = [createGate(), createGate()]
    let version = 1
    const { fetch } = createApp(site, async (c) => {
      if (c.req.header('if-none-match') !== '"1"' || version > 1)
        return c.text(`page ${version}`, 200, { ...fresh, etag: `"${version}"` })
      asked.open()
      await answers.opened
      return c.body(null, 304, { ...fresh, etag: '"1"' })
    })
    await fetch('/a')
    await age(site, 70_000)
    const validating = fetch('/a')
    await asked.opened
    version = 2
    await purge(ownCache(site), { urls: ['https://example.com/a'], soft })
    answers.open()
    await validating
    expect(await (await fetch('/a')).text()).toBe('page 2')
  })

  it('while a body is being sent prevents storing that body', async () => {
    const source = stream()
    const { send, settled, fetch } = createApp(site, (c) =>
      c.req.header('new') ? c.text('new', 200, fresh) : c.body(source.body, 200, fresh),
    )
    const sent = (await send('/a')).text()
    source.push('old')
    await purge(ownCache(site), { urls: ['https://example.com/a'] })
    source.close()
    expect(await sent).toBe('old')
    await settled()
    expect(await (await fetch('/a', { headers: { new: '1' } })).text()).toBe('new')
  })

  it('with soft: true ends with the next 304: the response is fresh again', async () => {
    const { fetch } = createApp(site, (c) =>
      c.req.header('if-none-match')
        ? c.body(null, 304, { ...fresh, etag: '"1"' })
        : c.text('page', 200, { ...fresh, etag: '"1"' }),
    )
    await fetch('/a')
    for (let i = 0; i < 2; i++) {
      await purge(ownCache(site), { urls: ['https://example.com/a'], soft: true })
      expect(brief(await fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
      const hit = await fetch('/a')
      expect([brief(hit), hit.headers.get('age')]).toEqual(['hit', expect.stringMatching(/^\d$/)])
    }
  })

  it('with soft: true makes a sliding response stale as well', async () => {
    const { fetch, calls } = createApp(site, (c) => c.text('page'), { expiration: '1h', sliding: true })
    await fetch('/a')
    await fetch('/a')
    await purge(ownCache(site), { urls: ['https://example.com/a'], soft: true })
    await fetch('/a')
    expect(calls).toHaveLength(2)
    expect(brief(await fetch('/a'))).toBe('hit')
  })
})

describe('an unsafe request', () => {
  // lgriffin/ESI.ts#293, jonbaldie/varnish#75
  it.each<[string, (c: Context) => Response]>([
    ['201 with Location', (c) => c.body(null, 201, { location: '/made' })],
    [
      '204 with Content-Location',
      (c) => c.body(null, 204, { 'content-location': 'https://EXAMPLE.com:443/made#part' }),
    ],
    ['303', (c) => c.redirect('/made', 303)],
    ['a Response.redirect', () => Response.redirect('https://example.com/made', 302)],
  ])('answered with %s removes its URL and the URL that it names', async (_name, answer) => {
    const { fetch } = createApp(site, (c) => (c.req.method === 'GET' ? c.text('page', 200, fresh) : answer(c)))
    for (const path of ['/a', '/made', '/kept']) await fetch(path)
    await fetch('/a', { method: 'POST' })
    expect(await paths()).toEqual(['/kept'])
  })

  // BuilderIO/agent-native#2366
  it('affects the next read, even if an earlier reader was receiving the old page', async () => {
    let version = 1
    const [reading, answers] = [createGate(), createGate()]
    const { fetch } = createApp(site, async (c) => {
      if (c.req.method === 'POST') return c.text(`now ${++version}`)
      const body = `page ${version}`
      reading.open()
      await answers.opened
      return c.text(body, 200, fresh)
    })
    const old = fetch('/a')
    await reading.opened
    await fetch('/a', { method: 'POST' })
    answers.open()
    expect(await (await old).text()).toBe('page 1')
    await eventually(async () => expect(await paths()).toEqual([]))
    expect(await (await fetch('/a')).text()).toBe('page 2')
  })
})
