import { HTTPException } from 'hono/http-exception'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, fresh, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const yesterday = new Date(Date.now() - 86_400_000).toUTCString()

describe('a stored response', () => {
  it.each([200, 203, 204, 301, 308, 404, 405, 410, 414, 451, 501])('may have the status %i', async (code) => {
    const body = code === 204 ? null : 'body'
    const { fetch, calls } = createApp(site, () => new Response(body, { status: code, headers: { ...fresh, x: 'y' } }))
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const response = await fetch('/a')
      expect([response.status, await response.text(), brief(response)]).toEqual([code, body ?? '', how])
      expect(response.headers.get('x')).toBe('y')
    }
    expect(calls).toHaveLength(1)
  })

  it.each([206, 304, 428, 429, 431, 500, 503, 511])('never has the status %i', async (code) => {
    const { fetch, calls } = createApp(
      site,
      () => new Response(code === 304 ? null : 'body', { status: code, headers: code < 500 ? fresh : {} }),
    )
    for (const _ of [1, 2]) expect((await fetch('/a')).status).toBe(code)
    expect(calls).toHaveLength(2)
    expect(await stored(site)).toEqual([])
  })

  it('keeps a redirect, and all lines of a field, unchanged', async () => {
    const headers: [string, string][] = [
      ['cache-control', 'max-age=60'],
      ['location', '/b?c=d'],
      ['link', '</a>; rel=preload'],
      ['link', '</b>; rel=preload'],
    ]
    const { fetch } = createApp(site, () => new Response(null, { status: 302, headers }))
    await fetch('/a')
    const hit = await fetch('/a')
    expect([hit.status, hit.headers.get('location')]).toEqual([302, '/b?c=d'])
    expect(hit.headers.get('link')).toBe('</a>; rel=preload, </b>; rel=preload')
  })

  it('answers HEAD with its fields and length, and reads no body', async () => {
    const { fetch, calls } = createApp(site, (c) => c.text('x'.repeat(50_000), 200, { ...fresh, etag: '"1"' }))
    await fetch('/a')
    site.faults.reset()
    const head = await fetch('/a', { method: 'HEAD' })
    expect([head.status, await head.text(), brief(head)]).toEqual([200, '', 'hit'])
    expect(head.headers.get('content-length')).toBe('50000')
    expect(site.faults.bytesOut).toBeLessThan(3_000)
    expect(calls).toHaveLength(1)
  })

  it('becomes stale when the handler’s response to a HEAD contradicts it', async () => {
    let etag = '"1"'
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, { ...fresh, etag }), { requestDirectives: true })
    await fetch('/a')
    const reload = { method: 'HEAD', headers: { 'cache-control': 'no-cache' } }
    expect(brief(await fetch('/a', reload))).toBe('fwd=request')
    expect(brief(await fetch('/a'))).toBe('hit')
    etag = '"2"'
    expect((await fetch('/a', reload)).headers.get('etag')).toBe('"2"')
    expect(brief(await fetch('/a'))).toBe('fwd=stale;stored')
  })

  it('is never created by HEAD', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, fresh))
    expect(brief(await fetch('/a', { method: 'HEAD' }))).toBe('fwd=uri-miss')
    expect(await stored(site)).toEqual([])
    expect(brief(await fetch('/a'))).toBe('fwd=uri-miss;stored')
  })

  it('answers ranges, also of a binary body', async () => {
    const body = Uint8Array.from({ length: 1000 }, (_, i) => i & 255)
    const { fetch, calls } = createApp(site, (c) => c.body(body, 200, { ...fresh, etag: '"1"' }))
    await fetch('/a')
    const part = await fetch('/a', { headers: { range: 'bytes=250-259' } })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 250-259/1000'])
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(body.slice(250, 260))
    const outside = await fetch('/a', { headers: { range: 'bytes=1000-' } })
    expect([outside.status, outside.headers.get('content-range')]).toEqual([416, 'bytes */1000'])
    const changed = await fetch('/a', { headers: { range: 'bytes=0-1', 'if-range': '"2"' } })
    expect(changed.status).toBe(200)
    const same = await fetch('/a', { headers: { range: 'bytes=0-1', 'if-range': '"1"' } })
    expect([same.status, same.headers.get('content-length')]).toEqual([206, '2'])
    expect(calls).toHaveLength(1)
  })

  it('answers If-Modified-Since, unless there is an If-None-Match', async () => {
    const { fetch } = createApp(site, (c) =>
      c.text('Hello', 200, { ...fresh, 'last-modified': yesterday, etag: '"1"' }),
    )
    await fetch('/a')
    const answer = async (headers: Record<string, string>) => (await fetch('/a', { headers })).status
    expect(await answer({ 'if-modified-since': yesterday })).toBe(304)
    expect(await answer({ 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' })).toBe(200)
    expect(await answer({ 'if-modified-since': yesterday, 'if-none-match': '"2"' })).toBe(200)
    expect(await answer({ 'if-none-match': '*' })).toBe(304)
  })

  it('ages until it is stale', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, fresh))
    await fetch('/a')
    await age(site, 30_000)
    const hit = await fetch('/a')
    expect([hit.headers.get('age'), brief(hit)]).toEqual([expect.stringMatching(/^3\d$/), 'hit'])
    await age(site, 41_000)
    expect(brief(await fetch('/a'))).toBe('fwd=miss;stored')
  })

  it('starts with the Age that the upstream states', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, { ...fresh, age: '50' }))
    await fetch('/a')
    expect((await fetch('/a')).headers.get('age')).toMatch(/^5\d$/)
    await age(site, 20_000)
    expect(brief(await fetch('/a'))).toBe('fwd=miss;stored')
  })

  it('gets a Date if the handler sets none, and keeps it', async () => {
    const date = new Date(Date.now() - 5_000).toUTCString()
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, c.req.path === '/dated' ? { ...fresh, date } : fresh))
    await fetch('/dated')
    expect((await fetch('/dated')).headers.get('date')).toBe(date)
    await fetch('/a')
    expect(Date.parse((await fetch('/a')).headers.get('date') ?? '')).toBeGreaterThan(Date.now() - 60_000)
  })

  it('keeps the stored response if a new one has an earlier Date', async () => {
    const dates = [0, -30_000].map((ms) => new Date(Date.now() + ms).toUTCString())
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, { ...fresh, date: dates.shift() ?? '' }), {
      requestDirectives: true,
    })
    await fetch('/a')
    expect(brief(await fetch('/a', { headers: { 'cache-control': 'no-cache' } }))).toBe('fwd=request;stored')
    expect((await fetch('/a')).headers.get('age')).toMatch(/^1?\d$/)
  })

  it('is sent unchanged, with or without no-transform', async () => {
    const body = '  <b> not  minified </b>\r\n'
    const headers = { 'cache-control': 'max-age=60, no-transform', 'content-type': 'text/html' }
    const { fetch } = createApp(site, () => new Response(body, { headers }))
    await fetch('/a')
    const hit = await fetch('/a')
    expect([await hit.text(), hit.headers.get('cache-control')]).toEqual([body, 'max-age=60, no-transform'])
  })
})

describe('a request for a protocol upgrade', () => {
  it.each<[string, string, RequestInit]>([
    ['over HTTP', 'hit', { headers: { connection: 'Upgrade', upgrade: 'h2c' } }],
    ['without a Connection field', 'hit', { headers: { upgrade: 'websocket' } }],
    ['with method HEAD', 'hit', { method: 'HEAD', headers: { connection: 'Upgrade', upgrade: 'websocket' } }],
    [
      'to a protocol whose name only starts with a known one',
      'hit',
      { headers: { connection: 'Upgrade', upgrade: 'websocket2' } },
    ],
    ['to a WebSocket', 'none', { headers: { connection: 'keep-alive, upgrade', upgrade: 'h2c, WebSocket' } }],
  ])('%s: %s', async (_name, expected, init) => {
    const { fetch, calls } = createApp(site, (c) => c.text('Hello', 200, fresh))
    await fetch('/a')
    expect(brief(await fetch('/a', init)) ?? 'none').toBe(expected)
    expect(calls).toHaveLength(expected === 'hit' ? 1 : 2)
  })
})

describe('a miss', () => {
  it('hides conditions from the handler, and evaluates them itself', async () => {
    const { fetch, calls } = createApp(site, (c) => c.text('Hello', 200, { ...fresh, etag: '"1"' }))
    const response = await fetch('/a', { headers: { 'if-none-match': '"1"', 'if-match': '"0"', 'x-own': 'kept' } })
    expect([response.status, await response.text(), brief(response)]).toEqual([
      304,
      '',
      'fwd=uri-miss;fwd-status=200;stored',
    ])
    expect([...(calls[0]?.headers.keys() ?? [])]).toEqual(['x-own'])
    expect(await (await fetch('/a')).text()).toBe('Hello')
  })

  it('ignores If-Modified-Since if the response has no Last-Modified', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, fresh))
    const response = await fetch('/a', { headers: { 'if-modified-since': 'Fri, 31 Dec 9999 00:00:00 GMT' } })
    expect([response.status, await response.text()]).toEqual([200, 'Hello'])
  })

  it('leaves ranges to the handler, stores no part without a validator, and lets the next request store the whole', async () => {
    const { fetch } = createApp(site, (c) =>
      c.req.header('range')
        ? c.body('He', 206, { ...fresh, 'content-range': 'bytes 0-1/5' })
        : c.text('Hello', 200, fresh),
    )
    const part = await fetch('/a', { headers: { range: 'bytes=0-1' } })
    expect([part.status, await part.text(), brief(part)]).toEqual([206, 'He', 'fwd=uri-miss;detail=validator'])
    expect(brief(await fetch('/a'))).toBe('fwd=uri-miss;stored')
  })

  it.each<[string, number, string, Record<string, string>, Record<string, string>]>([
    ['If-None-Match holds weakly', 304, 'stored', { etag: '"1"' }, { 'if-none-match': 'W/"1"' }],
    ['If-None-Match is *', 304, 'detail=validator', {}, { 'if-none-match': '*' }],
    ['If-None-Match does not hold', 206, 'stored', { etag: '"1"' }, { 'if-none-match': '"2"' }],
    ['If-Modified-Since holds', 304, 'stored', { 'last-modified': yesterday }, { 'if-modified-since': yesterday }],
    ['If-Modified-Since has nothing to compare with', 206, 'detail=validator', {}, { 'if-modified-since': yesterday }],
    ['If-Range is present', 304, 'detail=partial', { etag: '"1"' }, { 'if-none-match': '"1"', 'if-range': '"1"' }],
  ])('evaluates conditions before ranges: %s (%i, %s)', async (_name, code, outcome, validators, conditions) => {
    let isCancelled = false
    const { fetch } = createApp(site, (c) => {
      const body = new ReadableStream({
        start: (to) => to.enqueue(new TextEncoder().encode('He')),
        pull: (to) => to.close(),
        cancel: () => {
          isCancelled = true
        },
      })
      return c.body(body, 206, { ...fresh, ...validators, 'content-range': 'bytes 0-1/5', 'content-length': '2' })
    })
    const response = await fetch('/a', { headers: { range: 'bytes=0-1', ...conditions } })
    expect([response.status, await response.text()]).toEqual(code === 304 ? [304, ''] : [206, 'He'])
    expect([response.headers.has('content-range'), response.headers.has('content-length')]).toEqual(
      code === 304 ? [false, false] : [true, true],
    )
    expect(isCancelled).toBe(code === 304 && outcome !== 'stored')
    expect(brief(response)).toBe(`fwd=uri-miss;${code === 304 ? 'fwd-status=206;' : ''}${outcome}`)
  })

  it('answers 304 if the client has the response already, even if it is not stored', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, { 'cache-control': 'private', etag: '"1"' }))
    expect((await fetch('/a', { headers: { 'if-none-match': '"1"' } })).status).toBe(304)
  })

  it.each([
    ['has no-store', { 'cache-control': 'no-store' }],
    ['has content', { 'content-length': '2' }],
  ])('claims no lease for a request that %s, so that other requests can fill', async (_name, headers) => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, fresh))
    expect(brief(await fetch('/a', { headers }))).toBe('fwd=uri-miss')
    expect(brief(await fetch('/a'))).toBe('fwd=uri-miss;stored')
    expect(brief(await fetch('/a', { headers }))).toBe('hit')
  })

  it('is an error if the handler throws, and stores nothing', async () => {
    let isBroken = true
    const { fetch } = createApp(site, (c) => {
      if (isBroken) throw new Error('broken')
      return c.text('Hello', 200, fresh)
    })
    const response = await fetch('/a')
    expect([response.status, await response.text(), brief(response)]).toEqual([
      500,
      'failed',
      'fwd=uri-miss;detail=error',
    ])
    expect(await stored(site)).toEqual([])
    isBroken = false
    expect(brief(await fetch('/a'))).toBe('fwd=uri-miss;stored')
    expect(brief(await fetch('/a'))).toBe('hit')
  })

  it('is the response of an HTTPException if the handler throws one, and stores nothing', async () => {
    const { fetch } = createApp(site, () => {
      throw new HTTPException(404, { res: new Response('gone', { status: 404, headers: fresh }) })
    })
    const response = await fetch('/a')
    expect([response.status, await response.text()]).toEqual([404, 'gone'])
    expect(await stored(site)).toEqual([])
  })

  it('rejects if the handler throws a value that is not an Error, and releases the lease', async () => {
    let isBroken = true
    const { fetch, settled } = createApp(site, (c) => {
      if (isBroken) throw 'a string'
      return c.text('Hello', 200, fresh)
    })
    await expect(fetch('/a')).rejects.toBe('a string')
    await settled()
    isBroken = false
    // It answers at once, without a wait for the lease.
    expect(brief(await fetch('/a'))).toBe('fwd=uri-miss;stored')
  })

  it('is a 404 if no route matches, which is stored only with a lifetime', async () => {
    const { fetch } = createApp(site, (c) => c.notFound(), { expiration: '1m' })
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const response = await fetch('/a')
      expect([response.status, brief(response)]).toEqual([404, how])
    }
  })
})
