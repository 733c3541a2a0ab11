import { gunzipSync } from 'node:zlib'
import { compress } from 'hono/compress'
import { cors } from 'hono/cors'
import { etag } from 'hono/etag'
import { logger } from 'hono/logger'
import { secureHeaders } from 'hono/secure-headers'
import { timing } from 'hono/timing'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, fresh, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const LONG = 'compressible '.repeat(1_000)
const lines: string[] = []

describe.each(['before', 'after'] as const)('middleware %s the cache', (side) => {
  it('etag adds validators to misses and hits, and answers both with 304', async () => {
    const { fetch, calls } = createApp(site, (c) => c.text('Hello', 200, fresh), {}, { [side]: [etag()] })
    const tag = (await fetch('/a')).headers.get('etag') ?? ''
    expect(tag).toMatch(/^"[0-9a-f]{40}"$/)
    const hit = await fetch('/a', { headers: { 'if-none-match': tag } })
    expect([hit.status, calls.length]).toEqual([304, 1])
    expect((await fetch('/a')).headers.get('etag')).toBe(tag)
  })

  it('compress never gives a client an encoding that it does not accept', async () => {
    const { fetch } = createApp(site, (c) => c.text(LONG, 200, fresh), {}, { [side]: [compress()] })
    for (const _ of ['miss', 'hit']) {
      const gzipped = await fetch('/a', { headers: { 'accept-encoding': 'gzip' } })
      expect(gzipped.headers.get('content-encoding')).toBe('gzip')
      expect(gunzipSync(Buffer.from(await gzipped.arrayBuffer())).toString()).toBe(LONG)
      const plain = await fetch('/a')
      expect([plain.headers.get('content-encoding'), await plain.text()]).toEqual([null, LONG])
    }
    expect(brief(await fetch('/a', { headers: { 'accept-encoding': 'gzip' } }))).toBe('hit')
  })

  it('cors, secureHeaders, timing and logger treat hits like misses', async () => {
    lines.length = 0
    const { fetch } = createApp(
      site,
      (c) => c.text('Hello', 200, fresh),
      {},
      {
        [side]: [
          cors({ origin: (origin) => origin }),
          secureHeaders(),
          timing(),
          logger((line) => void lines.push(line)),
        ],
      },
    )
    for (const how of ['stored', 'hit']) {
      for (const origin of ['https://a.example', 'https://b.example']) {
        const response = await fetch('/a', { headers: { origin } })
        expect(response.headers.get('access-control-allow-origin')).toBe(origin)
        expect(response.headers.get('x-frame-options')).toBe('SAMEORIGIN')
        if (side === 'after') expect(brief(response)).toContain(how)
      }
    }
    expect(lines.length).toBeGreaterThan(0)
  })

  it('keeps the headers that it set on the context', async () => {
    const { fetch } = createApp(
      site,
      (c) => c.text('Hello', 200, fresh),
      {},
      {
        [side]: [
          async (c: import('hono').Context, next: import('hono').Next) => {
            c.header('x-early', 'yes')
            await next()
            c.header('x-late', 'yes')
          },
        ],
      },
    )
    for (const _ of ['miss', 'hit']) {
      const { headers } = await fetch('/a')
      expect([headers.get('x-early'), headers.get('x-late')]).toEqual(['yes', 'yes'])
    }
  })
})

describe('an encoded response', () => {
  it('is stored per Accept-Encoding, even without Vary', async () => {
    const { fetch } = createApp(site, (c) =>
      c.req.header('accept-encoding')?.includes('br')
        ? c.body('as brotli', 200, { ...fresh, 'content-encoding': 'br' })
        : c.body('plain', 200, fresh),
    )
    expect(await (await fetch('/a', { headers: { 'accept-encoding': 'br' } })).text()).toBe('as brotli')
    expect(await (await fetch('/a')).text()).toBe('plain')
    expect(await (await fetch('/a', { headers: { 'accept-encoding': 'br' } })).text()).toBe('as brotli')
  })
})

describe('a response with immutable headers', () => {
  it('is stored, such as one from fetch or Response.redirect', async () => {
    const { fetch } = createApp(
      site,
      (c) => {
        if (c.req.path === '/redirect') return Response.redirect('https://example.com/b', 301)
        c.res = undefined
        return new Response('proxied', { headers: fresh })
      },
      { expiration: '1m' },
    )
    for (const how of ['fwd=uri-miss;stored', 'hit']) expect(brief(await fetch('/redirect'))).toBe(how)
    expect((await fetch('/redirect')).headers.get('location')).toBe('https://example.com/b')
  })

  it('is passed on without Cache-Status if it is a network error', async () => {
    const { send } = createApp(site, () => Response.error())
    expect((await send('/a')).type).toBe('error')
  })
})

describe('a request', () => {
  it('bypasses the cache if it is for a WebSocket', async () => {
    const { fetch } = createApp(site, (c) => c.text('Hello', 200, fresh))
    await fetch('/a', { headers: { upgrade: 'websocket', connection: 'upgrade' } })
    expect([await stored(site), site.faults.requests]).toEqual([[], expect.any(Number)])
  })

  it('reaches the handler with all properties that the runtime added', async () => {
    const { fetch, calls } = createApp(site, (c) => c.text('Hello', 200, { ...fresh, etag: '"1"' }))
    const controller = new AbortController()
    await fetch('/a', { headers: { 'if-none-match': '"0"', cookie: 'a=1' }, signal: controller.signal })
    await age(site, 70_000)
    await fetch('/a', { headers: { cookie: 'a=1' }, signal: controller.signal })
    controller.abort()
    expect(calls.map(({ headers, signal }) => [headers.get('cookie'), signal.aborted])).toEqual([
      ['a=1', true],
      ['a=1', true],
    ])
  })
})
