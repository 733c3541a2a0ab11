import { sql } from 'drizzle-orm'
import type { Context } from 'hono'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { brief, createApp, createSite, emptied, fresh, type Site, stored, times } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

/** Returns the properties of its request, so that a response to another client can be recognized. */
const echo = (c: Context) => c.json({ url: c.req.url, method: c.req.method }, 200, fresh)

describe('no request gets the response to', () => {
  it.each<[string, string, string]>([
    ['another host', 'https://example.com/a', 'https://evil.example/a'],
    ['another port', 'https://example.com/a', 'https://example.com:8443/a'],
    ['another scheme', 'https://example.com/a', 'http://example.com/a'],
    ['another query', 'https://example.com/a?b', 'https://example.com/a?c'],
    ['an empty query', 'https://example.com/a', 'https://example.com/a?'],
    ['another case', 'https://example.com/a', 'https://example.com/A'],
    ['an encoded slash', 'https://example.com/a/b', 'https://example.com/a%2Fb'],
    ['a key part in its path', 'https://example.com/a', 'https://example.com/a%20part-'],
    ['a key part in its query', 'https://example.com/a', 'https://example.com/a? 0123456789abcdef'],
    ['a separator in its path', 'https://example.com/a', 'https://example.com/a|http|GET'],
    ['another very long URL', `https://example.com/${'a'.repeat(2_000)}b`, `https://example.com/${'a'.repeat(2_000)}c`],
  ])('%s', async (_name, first, second) => {
    const { fetch, calls } = createApp(site, echo)
    await fetch(first)
    expect(await (await fetch(second)).json()).toMatchObject({ url: new URL(second).href })
    expect(calls).toHaveLength(2)
  })

  it.each(['POST', 'PUT', 'OPTIONS', 'QUERY'])('another method: %s', async (method) => {
    const { fetch } = createApp(site, echo)
    await fetch('/a')
    expect(await (await fetch('/a', { method })).json()).toMatchObject({ method })
  })

  it.each([
    'x-forwarded-host',
    'x-host',
    'forwarded',
    'x-original-url',
    'x-rewrite-url',
    'x-forwarded-proto',
    'x-http-method-override',
  ])('the host in %s: it affects neither the key nor the response', async (name) => {
    const { fetch, calls } = createApp(site, echo)
    await fetch('/a', { headers: { [name]: 'evil.example' } })
    const response = await fetch('/a')
    expect([brief(response), calls.length]).toEqual(['hit', 1])
    expect(await response.json()).toMatchObject({ url: 'https://example.com/a' })
    expect((await stored(site)).join()).not.toContain('evil')
  })
})

describe('a response for one client', () => {
  it('is not stored if it sets a cookie, in any spelling of the field name', async () => {
    let visitors = 0
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, { ...fresh, 'SET-Cookie': `id=${++visitors}` }))
    for (const id of [1, 2]) expect((await fetch('/a')).headers.getSetCookie()).toEqual([`id=${id}`])
  })

  it('is not stored under a path that looks static', async () => {
    const { fetch } = createApp(site, (c) => c.text(`account of ${c.req.header('cookie')}`), {
      expiration: '1h',
      exclude: ['/account/*'],
    })
    for (const path of ['/account/x.css', '/account/..%2fx.css', '/account/x.css?v=1', '/account/%2e/x.js']) {
      const own = await fetch(path, { headers: { cookie: 'a' } })
      expect(await own.text()).toBe('account of a')
      expect(await (await fetch(path, { headers: { cookie: 'b' } })).text()).toBe('account of b')
    }
    expect(await stored(site)).toEqual([])
  })

  it('reaches no other client through ranges, HEAD or conditions', async () => {
    const { fetch } = createApp(site, (c) =>
      c.text(`for ${c.req.header('cookie')}`, 200, { ...fresh, vary: 'Cookie', etag: '"1"' }),
    )
    await fetch('/a', { headers: { cookie: 'a' } })
    for (const init of [
      { headers: { range: 'bytes=0-4' } },
      { method: 'HEAD' },
      { headers: { 'if-none-match': '"1"' } },
    ]) {
      expect(await (await fetch('/a', init)).text()).not.toMatch(/a$/)
    }
  })

  it('is not stored for all by a request with a token, nor served to a request without one', async () => {
    const { fetch } = createApp(site, (c) => c.text(`for ${c.req.header('authorization')}`, 200, fresh))
    await fetch('/a', { headers: { authorization: 'Bearer a' } })
    expect(await stored(site)).toEqual([])
  })
})

describe('headers', () => {
  it('cannot be split by line breaks in Cache-Status, whether from this cache or upstream', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, { ...fresh, 'cache-status': 'a;detail="x' }), {
      cacheStatus: 'bad\r\nset-cookie: a=1',
    })
    const response = await fetch('/a')
    expect(response.headers.get('set-cookie')).toBe(null)
    expect(response.headers.get('cache-status')).toBe('"bad%0D%0Aset-cookie: a=1";fwd=uri-miss;stored')
  })

  it('are not stored if they belong to one connection', async () => {
    const { fetch } = createApp(site, (c) =>
      c.text('Hello', 200, {
        ...fresh,
        connection: 'x-hop',
        'x-hop': '1',
        'keep-alive': '5',
        'proxy-authenticate': 'Basic',
      }),
    )
    await fetch('/a')
    const { headers } = await fetch('/a')
    for (const name of ['connection', 'x-hop', 'keep-alive', 'proxy-authenticate'])
      expect(headers.has(name)).toBe(false)
  })

  it('are not stored if private names them', async () => {
    const { fetch } = createApp(site, (c) =>
      c.text('Hello', 200, { 'cache-control': 'max-age=60, private="x-user"', 'x-user': 'a' }),
    )
    expect((await fetch('/a')).headers.get('x-user')).toBe('a')
    expect((await fetch('/a')).headers.has('x-user')).toBe(false)
  })
})

describe('a thousand variants of one URL', () => {
  it('are bounded in any order of requests, and each client gets its own', async () => {
    const { fetch } = createApp(site, (c) => c.text(`in ${c.req.header('x-v')}`, 200, { ...fresh, vary: 'X-V' }), {
      maxVariants: 20,
    })
    const ask = async (i: number) =>
      expect(await (await fetch('/a', { headers: { 'x-v': String(i) } })).text()).toBe(`in ${i}`)
    for (let i = 0; i < 50; i++) await Promise.all(times(20, (j) => ask(i * 20 + j)))
    // Concurrent requests could not see each other's variants.
    expect((await stored(site)).length).toBeLessThanOrEqual(40)
    await ask(5_000)
    expect((await stored(site)).length).toBeLessThanOrEqual(20)
  })

  it('stay correct if Vary grows with each response, and start again if it has too many names', async () => {
    const { fetch } = createApp(
      site,
      (c) => c.text(c.req.query('n') ?? '', 200, { ...fresh, vary: `X-${c.req.header('x-n')}` }),
      { query: { allow: [] }, requestDirectives: true },
    )
    for (let n = 0; n < 20; n++) {
      const headers = { 'x-n': String(n), 'cache-control': 'no-cache' }
      expect(brief(await fetch(`/a?n=${n}`, { headers }))).toMatch(/stored$/)
      const { rows } = await site.db.execute<{ names: string[] }>(sql`
        select meta::jsonb -> 'vary' as names from cache_entries where not meta::jsonb ? 'status'`)
      expect(rows[0]?.names).toEqual(times(n < 16 ? n + 1 : n - 15, (i) => `x-${n < 16 ? i : i + 16}`).sort())
    }
    expect(brief(await fetch('/a', { headers: { 'x-n': '19' } }))).toBe('hit')
    // This response has too many names of its own, so it is never matched again.
    const many = createApp(site, (c) => c.text('Hello', 200, { ...fresh, vary: times(17, (i) => `X-${i}`).join() }))
    expect(brief(await many.fetch('/many'))).toBe('fwd=uri-miss;detail=vary')
  })
})

describe('isolates with wrong clocks', () => {
  it.each([-3_600_000, 3_600_000])('off by %i ms agree with others about freshness', async (skewMs) => {
    const real = Date.now
    const skewed = async <T>(work: () => Promise<T>): Promise<T> => {
      const spy = vi.spyOn(Date, 'now').mockImplementation(() => real() + skewMs)
      try {
        return await work()
      } finally {
        spy.mockRestore()
      }
    }
    const right = createApp(site, (c) => c.text('Hello', 200, fresh))
    const wrong = createApp(site, (c) => c.text('Hello', 200, fresh))
    await skewed(() => wrong.fetch('/by-wrong'))
    const hit = await right.fetch('/by-wrong')
    expect([brief(hit), hit.headers.get('age')]).toEqual(['hit', expect.stringMatching(/^\d$/)])
    expect(Math.abs(Date.parse(hit.headers.get('date') ?? '') - Date.now())).toBeLessThan(60_000)
    await right.fetch('/by-right')
    const other = await skewed(() => wrong.fetch('/by-right'))
    expect([brief(other), other.headers.get('age')]).toEqual(['hit', expect.stringMatching(/^\d$/)])
  })
})
