/** Refreshes that run through the whole application again, including middleware outside of the cache. */
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context, MiddlewareHandler } from 'hono'
import { Hono } from 'hono'
import type { CacheEvent } from 'pgstash'
import { addressKey, rateLimit, rateLimitKey, responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask, type Reply, startNodeServer } from '../../response-cache/servers.ts'
import { eventually } from '../../setup/eventually.ts'
import { age, brief, createApp, createSite, emptied, fresh, heldLeases, ownCache, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const MINUTE = 60_000
const MARK = 'pgstash-refresh'

/** An application whose page states its version, and whether the refresh marker reached the handler. */
function versions(front: MiddlewareHandler, onEvent?: (event: CacheEvent) => void) {
  const state = { version: 1 }
  const handler = (c: Context) => c.text(`v${state.version} ${c.req.header(MARK) ?? 'unmarked'}`, 200, fresh)
  const app = createApp(
    site,
    handler,
    {
      cache: ownCache(site, onEvent ? { onEvent } : {}),
      stale: '1h',
      refresh: (request, c) => app.app.fetch(request, c.env),
    },
    { before: [front] },
  )
  return { ...app, state }
}

describe('a refresh behind middleware', () => {
  it.each<[string, (c: Context) => Request]>([
    ['a copy', (c) => new Request(c.req.raw)],
    ['a clone', (c) => c.req.raw.clone()],
    ['the same fields and more', (c) => new Request(c.req.raw, { headers: { ...c.req.header(), 'x-own': '1' } })],
    ['the same fields in a new request', (c) => new Request(c.req.url, { headers: c.req.raw.headers })],
  ])(
    'succeeds if the middleware replaces the request by %s, and the handler sees no marker',
    async (_name, replace) => {
      const { fetch, calls, state } = versions(async (c, next) => {
        c.req.raw = replace(c)
        await next()
      })
      await fetch('/a')
      state.version = 2
      await age(site, 2 * MINUTE)
      expect(await (await fetch('/a')).text()).toBe('v1 unmarked')
      expect([await (await fetch('/a')).text(), calls.length]).toEqual(['v2 unmarked', 2])
    },
  )

  it('is lost once if the middleware replaces the request without its headers, and the next request refreshes', async () => {
    const events: CacheEvent[] = []
    const { fetch, calls, state } = versions(
      async (c, next) => {
        c.req.raw = new Request(c.req.url)
        await next()
      },
      (event) => events.push(event),
    )
    for (let version = 1; version < 4; version++) {
      state.version = version
      const seen: unknown[] = []
      for (const _ of [1, 2, 3]) seen.push(await (await fetch('/a')).text())
      expect(seen.at(-1)).toBe(`v${version} unmarked`)
      await age(site, 2 * MINUTE)
    }
    expect(calls).toHaveLength(3)
    expect(events.filter(({ type }) => type === 'error')).toMatchObject([{ error: { code: 'REFRESH' } }])
  })

  it('causes an error event if the middleware rejects it, and the next request refreshes', async () => {
    const events: CacheEvent[] = []
    const { fetch, state } = versions(
      async (c, next) => (c.req.header(MARK) === undefined ? next() : c.text('who are you?', 401)),
      (event) => events.push(event),
    )
    await fetch('/a')
    state.version = 2
    await age(site, 2 * MINUTE)
    const seen: unknown[] = []
    for (const _ of [1, 2, 3]) seen.push(await (await fetch('/a')).text())
    expect(seen).toEqual(['v1 unmarked', 'v2 unmarked', 'v2 unmarked'])
    expect(events.filter(({ type }) => type === 'error')).toMatchObject([{ error: { code: 'REFRESH' } }])
  })

  it.each<[string, () => string]>([
    ['has changed', () => 'another'],
    [
      'cannot be computed',
      () => {
        throw new Error('broken')
      },
    ],
  ])('causes an error event if its key %s, runs no handler, and stores nothing', async (_name, later) => {
    const events: CacheEvent[] = []
    let key = () => 'same'
    const app = createApp(site, (c) => c.text('page', 200, fresh), {
      cache: ownCache(site, { onEvent: (event) => events.push(event) }),
      stale: '1h',
      key: () => key(),
      refresh: async (request) => {
        key = later
        const response = await app.app.fetch(request)
        key = () => 'same'
        return response
      },
    })
    await app.fetch('/a')
    await age(site, 2 * MINUTE)
    expect([brief(await app.fetch('/a')), app.calls.length]).toEqual(['hit', 1])
    expect(events.filter(({ type }) => type === 'error')).toMatchObject([{ error: { code: 'REFRESH' } }])
    expect([await stored(site), await heldLeases(site)]).toEqual([[expect.any(String)], []])
    expect([brief(await app.fetch('/a')), app.calls.length]).toEqual(['fwd=stale;stored', 2])
  })
})

describe('a refresh behind a rate limit', () => {
  it('is neither counted nor refused', async () => {
    const cache = ownCache(site)
    const { fetch, calls, state } = versions(
      rateLimit({ cache, limit: 2, period: '1h', name: 'two', key: () => 'client', timeout: MINUTE }),
    )
    await fetch('/a')
    state.version = 2
    await age(site, 2 * MINUTE)
    expect(await (await fetch('/a')).text()).toBe('v1 unmarked')
    expect([calls.length, await cache.get(rateLimitKey('two', 'client'))]).toEqual([2, 2])
    expect((await fetch('/a')).status).toBe(429)
  })

  it('succeeds on Node although its key reads the connection', async () => {
    const background: Promise<unknown>[] = []
    let version = 1
    const app = new Hono()
    app.use(
      rateLimit({
        cache: ownCache(site),
        limit: 100,
        period: '1m',
        key: (c) => addressKey(getConnInfo(c).remote.address),
        timeout: MINUTE,
      }),
    )
    app.use(
      responseCache({
        cache: ownCache(site),
        stale: '1h',
        waitUntil: (work) => void background.push(work),
        // Copied from the Node example in docs/guides/http.md, without the environment that the key reads.
        refresh: (request) => app.fetch(request),
      }),
    )
    app.get('*', (c) => c.text(`v${version}`, 200, fresh))
    const base = await startNodeServer((request, env) => app.fetch(request, env as object))
    const get = async () => {
      const reply: Reply = await ask(base, '/a')
      await Promise.all(background.splice(0))
      return [reply.bytes.toString(), reply.headers.ratelimit?.toString().split(';')[1]]
    }
    expect(await get()).toEqual(['v1', 'r=99'])
    version = 2
    await age(site, 2 * MINUTE)
    expect(await get()).toEqual(['v1', expect.any(String)])
    await eventually(async () => expect((await get())[0]).toBe('v2'))
  })
})

describe('the refresh marker', () => {
  it('reaches no client, even if the handler sends back all headers', async () => {
    const app = createApp(
      site,
      (c) => c.json(c.req.header(), 200, { ...fresh, 'x-seen': String(c.req.header(MARK)) }),
      {
        stale: '1h',
        refresh: (request) => app.app.fetch(request),
      },
    )
    await app.fetch('/a')
    await age(site, 2 * MINUTE)
    for (const _ of [1, 2]) {
      const response = await app.fetch('/a')
      expect([brief(response), response.headers.get('x-seen'), await response.json()]).toEqual(['hit', 'undefined', {}])
    }
    expect(app.calls).toHaveLength(2)
  })
})
