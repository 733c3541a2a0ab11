import { type Context, Hono } from 'hono'
import type { CacheEvent } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { brief, createApp, createSite, emptied, fresh, ownCache, type Site, stored, stream } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

type Answer = { status?: number; headers?: Record<string, string> }

/** Pages, and the answers to requests that change something. */
function pages(change: Answer | (() => Answer) = {}) {
  return createApp(site, (c) => {
    if (c.req.method === 'GET')
      return c.text(c.req.path, 200, { ...fresh, vary: 'Accept-Language', 'cache-groups': '"g"' })
    const { status = 200, headers = {} } = typeof change === 'function' ? change() : change
    return new Response(null, { status, headers })
  })
}

const paths = async () => (await stored(site)).map((key) => new URL(key.split(' ')[1] ?? '').pathname)

describe('an unsafe request', () => {
  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'PURGE'])(
    'with method %s that succeeds removes all variants of its URL, and no other',
    async (method) => {
      const { fetch } = pages()
      for (const language of ['en', 'de']) await fetch('/a', { headers: { 'accept-language': language } })
      await fetch('/ab')
      await fetch('/a/b')
      expect(brief(await fetch('/a', { method }))).toBe('fwd=method')
      expect(await paths()).toEqual(['/a/b', '/ab'])
      expect(brief(await fetch('/a', { headers: { 'accept-language': 'en' } }))).toBe('fwd=uri-miss;stored')
    },
  )

  it('removes its URL in every spelling, and the URLs that its response names', async () => {
    const { fetch } = pages({ headers: { 'content-location': '/list/%7Eall' } })
    for (const path of ['/caf%C3%A9', '/list/~all', '/caf%25C3%A9', '/caf/%C3%A9']) await fetch(path)
    await fetch('/caf%c3%a9', { method: 'PUT' })
    expect(await paths()).toEqual(['/caf%25C3%A9', '/caf/%C3%A9'])
  })

  it.each([201, 204, 303])('answered with %i removes', async (status) => {
    const { fetch } = pages({ status })
    await fetch('/a')
    await fetch('/a', { method: 'POST' })
    expect(await paths()).toEqual([])
  })

  it.each([400, 404, 500])('answered with %i removes no response', async (status) => {
    const { fetch } = pages({ status, headers: { location: '/a' } })
    await fetch('/a')
    site.faults.reset()
    expect((await fetch('/a', { method: 'POST' })).status).toBe(status)
    expect(site.faults.requests).toBe(0)
    expect(await paths()).toEqual(['/a'])
  })

  it('removes no response if the handler throws', async () => {
    const { fetch } = pages(() => {
      throw new Error('broken')
    })
    await fetch('/a')
    expect((await fetch('/a', { method: 'POST' })).status).toBe(500)
    expect(await paths()).toEqual(['/a'])
  })

  it.each(['OPTIONS', 'HEAD'])('does not include safe methods: %s', async (method) => {
    const { fetch } = pages()
    await fetch('/a')
    await fetch('/a', { method })
    expect(await paths()).toEqual(['/a'])
  })

  it('removes the URLs in Location and Content-Location, of the same origin only', async () => {
    const { fetch } = pages({
      status: 201,
      headers: { location: '/made', 'content-location': 'https://other.example.com/b' },
    })
    for (const url of ['/a', '/made', '/b', 'https://other.example.com/b']) await fetch(url)
    await fetch('/a', { method: 'POST' })
    expect(await stored(site)).toEqual([
      expect.stringContaining('https://example.com/b'),
      expect.stringContaining('https://other.example.com/b'),
    ])
  })

  it('invalidates the groups in its response, of the same origin only', async () => {
    const { fetch } = pages({ headers: { 'cache-group-invalidation': '"g"' } })
    for (const url of ['/a', '/b', 'https://other.example.com/b']) await fetch(url)
    await fetch('/unrelated', { method: 'POST' })
    expect(brief(await fetch('/b'))).toMatch(/^fwd=.*stored$/)
    expect(brief(await fetch('https://other.example.com/b'))).toBe('hit')
  })

  it('prevents a pending response of its URL from being stored', async () => {
    const source = stream()
    const reader = createApp(site, (c) => c.body(source.body, 200, fresh))
    const response = await reader.send('/a')
    await pages().fetch('/a', { method: 'POST' })
    source.push('from before')
    source.close()
    expect(await response.text()).toBe('from before')
    await reader.settled()
    expect(await stored(site)).toEqual([])
  })

  it('removes the responses of every user', async () => {
    const { fetch } = createApp(site, (c) => c.text('own', 200, { 'cache-control': 'max-age=60' }), {
      authenticated: (c) => c.req.header('authorization'),
    })
    await fetch('/a', { headers: { authorization: 'a' } })
    await fetch('/a', { headers: { authorization: 'b' } })
    await fetch('/a')
    expect(await stored(site)).toHaveLength(3)
    await fetch('/a', { method: 'POST', headers: { authorization: 'a' } })
    expect(await stored(site)).toEqual([])
  })

  it('ignores query parameters that the key ignores', async () => {
    const { fetch } = createApp(site, (c) => c.text('page', 200, fresh), { query: { ignore: ['utm_*'] } })
    await fetch('/a?b=1')
    await fetch('/a?utm_source=x&b=1', { method: 'POST' })
    expect(await stored(site)).toEqual([])
  })

  it('is answered if the database is unreachable, and reports that in Cache-Status and an event', async () => {
    const events: CacheEvent[] = []
    const cache = ownCache(site, { onEvent: (event) => void events.push(event) })
    const { fetch } = createApp(site, (c) => c.text('done'), { cache })
    site.faults.always({ kind: 'error', status: 500 })
    const response = await fetch('/a', { method: 'POST' })
    expect([response.status, brief(response)]).toEqual([200, 'fwd=method;detail=DATABASE'])
    expect(events).toMatchObject([{ type: 'error', operation: 'responseCache', error: { code: 'DATABASE' } }])
  })

  it('removes its URL even if the key option throws', async () => {
    const { fetch } = createApp(site, (c) => c.text('page', 200, fresh), {
      key: (c) => {
        if (c.req.method === 'POST') throw new Error('broken')
        return undefined
      },
    })
    await fetch('/a')
    const response = await fetch('/a', { method: 'POST' })
    expect([response.status, brief(response)]).toEqual([200, 'fwd=method;detail=UNAVAILABLE'])
    expect(await stored(site)).toEqual([])
  })

  it.each<[string, Record<string, string>]>([
    [
      'h2c, as with curl --http2',
      { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' },
    ],
    ['a WebSocket', { connection: 'Upgrade', upgrade: 'websocket' }],
    ['TLS', { connection: 'Upgrade', upgrade: 'TLS/1.0' }],
  ])('removes its URL even if it asks for an upgrade to %s', async (_name, headers) => {
    const { fetch } = pages()
    await fetch('/a')
    expect(brief(await fetch('/a', { method: 'PUT', headers }))).toBe('fwd=method')
    expect(await paths()).toEqual([])
  })

  it('to an excluded path removes the URLs and groups that its response names', async () => {
    const { fetch } = createApp(
      site,
      (c) =>
        c.req.method === 'GET'
          ? c.text(c.req.path, 200, { ...fresh, 'cache-groups': `"${c.req.path}"` })
          : c.text('done', 201, { location: '/a', 'cache-group-invalidation': '"/b"' }),
      { exclude: ['/admin/*'] },
    )
    for (const path of ['/a', '/b', '/c']) await fetch(path)
    expect(brief(await fetch('/admin/posts', { method: 'POST' }))).toBeUndefined()
    const statuses: unknown[] = []
    for (const path of ['/a', '/b', '/c']) statuses.push(brief(await fetch(path)))
    expect(statuses).toEqual(['fwd=uri-miss;stored', 'fwd=miss;stored', 'hit'])
  })

  it('removes the URL of the key option even if authenticated names no user', async () => {
    const { fetch } = createApp(site, (c) => c.text('page', 200, fresh), {
      key: (c) => new URL(c.req.path.toLowerCase(), c.req.url),
      authenticated: () => undefined,
    })
    await fetch('/Page')
    await fetch('/PAGE', { method: 'POST', headers: { authorization: 'a' } })
    expect(await stored(site)).toEqual([])
  })

  it('removes the URL that the key option derives from a parameter of the cache’s own route', async () => {
    const app = new Hono()
    const key = (c: Context) => new URL(`/shops/${c.req.param('shop')?.toLowerCase()}`, c.req.url)
    app.use('/shops/:shop', responseCache({ cache: ownCache(site), key }))
    app.all('/:kind/:name', (c) => c.text(c.req.param('name'), 200, fresh))
    const ask = async (path: string, init: RequestInit = {}) => {
      const response = await app.fetch(new Request(`https://example.com${path}`, init))
      await response.text()
      return brief(response)
    }
    expect([await ask('/shops/Red'), await ask('/shops/red')]).toEqual(['fwd=uri-miss;stored', 'hit'])
    await ask('/shops/RED', { method: 'POST' })
    expect(await stored(site)).toEqual([])
  })
})
