import { sql } from 'drizzle-orm'
import type { Context } from 'hono'
import { purge, responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../setup/eventually.ts'
import { createGate } from '../../setup/gate.ts'
import {
  type App,
  age,
  brief,
  createApp,
  createSite,
  emptied,
  fresh,
  heldLeases,
  ownCache,
  pause,
  type Site,
  stored,
  stream,
  times,
} from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const CLIENTS = 30
/** Handlers take this long after all requests have arrived. */
const WORK_MS = 300

/**
 * The first call of the handler ends once all requests have arrived. Every other call ends only together with all
 * others, which never arrive if they queue.
 */
function togetherAfterTheFirst(): () => Promise<void> {
  let calls = 0
  const [first, all] = [createGate(), createGate()]
  return async () => {
    calls++
    if (calls === CLIENTS) all.open()
    if (calls > 1) return all.opened
    void eventually(() => expect(site.faults.requests).toBeGreaterThanOrEqual(CLIENTS)).then(first.open)
    return first.opened
  }
}

const callsOf = (apps: readonly App[]) => apps.reduce((sum, { calls }) => sum + calls.length, 0)

describe('thirty cold isolates requesting one URL', () => {
  it('run the handler once, and all get its response', async () => {
    const apps = times(CLIENTS, () =>
      createApp(site, async (c) => {
        await eventually(() => expect(site.faults.requests).toBeGreaterThanOrEqual(CLIENTS))
        await pause(WORK_MS)
        return c.text('shared', 200, fresh)
      }),
    )
    const responses = await Promise.all(apps.map(({ fetch }) => fetch('/a')))
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(times(CLIENTS, () => 'shared'))
    expect(callsOf(apps)).toBe(1)
    const collapsed = responses.filter((response) => brief(response)?.includes('collapsed'))
    expect(collapsed.length).toBeGreaterThan(CLIENTS / 2)
  })

  it.each<[string, Record<string, string>]>([
    ['private', { 'cache-control': 'private' }],
    ['no-store', { 'cache-control': 'no-store' }],
    ['a response that sets a cookie', { ...fresh, 'set-cookie': 'session=1' }],
    ['a response with Vary: *', { ...fresh, vary: '*' }],
    ['an error', {}],
  ])('each get their own response to %s, and do not wait for each other', async (name, headers) => {
    const together = togetherAfterTheFirst()
    const apps = times(CLIENTS, (i) =>
      createApp(site, async (c) => {
        await together()
        return c.text(`for ${i}`, name === 'an error' ? 503 : 200, headers)
      }),
    )
    const responses = await Promise.all(apps.map(({ fetch }) => fetch('/a')))
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(times(CLIENTS, (i) => `for ${i}`))
    expect(callsOf(apps)).toBe(CLIENTS)
    expect(await stored(site)).toEqual([])
  })

  it.each<[string, Record<string, string>]>([
    ['no-cache', { 'cache-control': 'no-cache', etag: '"1"' }],
    ['max-age=0', { 'cache-control': 'max-age=0, must-revalidate', etag: '"1"' }],
  ])('validate with %s concurrently, because each of them must', async (_name, headers) => {
    let asking = 0
    let everybodyAsks = () => {}
    const all = new Promise<void>((resolve) => (everybodyAsks = resolve))
    const handler = async (c: Context) => {
      // This would never resolve if one request waited for the other.
      if (++asking === CLIENTS + 1) everybodyAsks()
      if (asking > 1) await all
      const isKnown = c.req.header('if-none-match') === '"1"'
      return isKnown ? c.body(null, 304, headers) : c.text('Hello', 200, headers)
    }
    const apps = times(CLIENTS, () => createApp(site, handler, { lease: '5m' }))
    await apps[0]?.fetch('/a')
    const responses = await Promise.all(apps.map(({ fetch }) => fetch('/a')))
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(times(CLIENTS, () => 'Hello'))
    expect(apps.slice(1).every(({ calls }) => calls[0]?.headers.get('if-none-match') === '"1"')).toBe(true)
    expect(responses.filter((response) => brief(response)?.endsWith('stored'))).toHaveLength(1)
    expect(await heldLeases(site)).toEqual([])
  })

  it('all get the stale response if the handler fails, and do not wait for each other', async () => {
    let isBroken = false
    const together = togetherAfterTheFirst()
    const apps = times(CLIENTS, () =>
      createApp(site, async (c) => {
        if (isBroken) {
          await together()
          throw new Error('broken')
        }
        return c.text('good', 200, { 'cache-control': 'max-age=1, stale-if-error=3600', 'x-age': '1', age: '1' })
      }),
    )
    await apps[0]?.fetch('/a')
    isBroken = true
    const responses = await Promise.all(apps.map(({ fetch }) => fetch('/a')))
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(times(CLIENTS, () => 'good'))
    expect(new Set(responses.map(brief))).toEqual(new Set(['fwd=stale;fwd-status=500;detail=stale-if-error']))
  })

  it('get the response even if the first client disconnects', async () => {
    const source = stream()
    const first = createApp(site, (c) => c.body(source.body, 200, fresh))
    const others = times(CLIENTS, () => createApp(site, (c) => c.text('second', 200, fresh)))
    const reader = ((await first.send('/a')).body as ReadableStream<Uint8Array>).getReader()
    const pending = others.map(({ fetch }) => fetch('/a'))
    await eventually(() => expect(site.faults.requests).toBeGreaterThan(CLIENTS))
    await reader.cancel()
    const responses = await Promise.all(pending)
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(times(CLIENTS, () => 'second'))
    expect(callsOf(others)).toBe(1)
  })
})

describe('a lease', () => {
  it('lets another request run the handler after it expires, and the late response is not stored', async () => {
    const source = stream()
    const slow = createApp(site, (c) => c.body(source.body, 200, fresh), { lease: '200ms' })
    const response = await slow.send('/a')
    const quick = createApp(site, (c) => c.text('quick', 200, fresh), { lease: '10s' })
    expect(await (await quick.fetch('/a')).text()).toBe('quick')
    source.push('slow')
    source.close()
    expect(await response.text()).toBe('slow')
    await slow.settled()
    expect(await (await quick.fetch('/a')).text()).toBe('quick')
  })

  it('lets a waiter run the handler itself if the waiter’s timeout ends first', async () => {
    const source = stream()
    const slow = createApp(site, (c) => c.body(source.body, 200, fresh), { lease: '1m' })
    await slow.send('/a')
    const { fetch } = createApp(site, (c) => c.text('own', 200, fresh), { lease: '200ms' })
    const response = await fetch('/a')
    expect([await response.text(), brief(response)]).toEqual(['own', 'fwd=uri-miss;detail=waited'])
  })

  it('is claimed once by a request that passes several response caches', async () => {
    const cache = site.client()
    const inner = createApp(site, (c) => c.text('Hello', 200, fresh), { cache, lease: '5m' }).app
    const { fetch, calls } = createApp(
      site,
      (c) => c.text('outer', 200, fresh),
      // A wait for it would exceed the timeout of the test.
      { cache, lease: '5m' },
      {
        after: [...inner.routes.slice(0, 1).map(({ handler }) => handler as import('hono').MiddlewareHandler)],
      },
    )
    expect(await (await fetch('/a')).text()).toBe('outer')
    expect(brief(await fetch('/a'))).toBe('hit')
    expect(calls).toHaveLength(1)
  })

  it('for a refresh passes other caches to reach its own, which stores no headers that middleware between them adds', async () => {
    const cache = site.client()
    let calls = 0
    const { app, settled } = createApp(
      site,
      () => new Response(null),
      { cache, authenticated: 'never' },
      {
        after: [
          async (c, next) => {
            await next()
            c.header('x-user', c.req.header('authorization') ?? 'nobody')
          },
          responseCache({
            cache,
            stale: '1h',
            refresh: (request) => app.fetch(request),
            waitUntil: (work) => void background.push(work),
          }),
          async (c) => c.text(String(++calls), 200, { 'cache-control': 'public, max-age=60' }),
        ],
      },
    )
    const background: Promise<unknown>[] = []
    const get = async () => {
      const response = await app.request('https://example.com/a', { headers: { authorization: 'ada' } })
      const text = await response.text()
      await Promise.all([...background.splice(0), settled()])
      return text
    }
    expect(await get()).toBe('1')
    await age(site, 70_000)
    expect(await get()).toBe('1')
    expect(await get()).toBe('2')
    const { rows } = await site.db.execute(sql`select meta from cache_entries`)
    expect(JSON.stringify(rows)).not.toContain('x-user')
  })

  it('for a refresh passes other caches even if they have a response', async () => {
    const cache = site.client()
    const background: Promise<unknown>[] = []
    const options = {
      stale: '1h',
      refresh: (request: Request) => app.fetch(request),
      waitUntil: (work: Promise<unknown>) => void background.push(work),
    } as const
    let calls = 0
    const { app } = createApp(
      site,
      () => new Response(null),
      { ...options, cache: cache.namespace('outer') },
      {
        after: [
          responseCache({ ...options, cache: cache.namespace('inner') }),
          async (c) => c.text(String(++calls), 200, fresh),
        ],
      },
    )
    const get = async () => {
      const text = await (await app.request('https://example.com/a')).text()
      while (background.length > 0) await Promise.all(background.splice(0))
      return text
    }
    expect(await get()).toBe('1')
    await age(site, 70_000)
    expect(await get()).toBe('1')
    expect(calls).toBe(2)
  })

  it('is released if other requests cannot use the response, such as a range', async () => {
    const { fetch } = createApp(site, (c) =>
      c.req.header('range')
        ? c.body('H', 206, { ...fresh, 'content-range': 'bytes 0-0/5' })
        : c.text('Hello', 200, fresh),
    )
    await Promise.all(times(5, () => fetch('/a', { headers: { range: 'bytes=0-0' } })))
    expect(await heldLeases(site)).toEqual([])
  })

  it('for a range request does not block other range requests', async () => {
    const source = stream()
    const slow = createApp(site, (c) => c.body(source.body, 200, fresh))
    await slow.send('/a')
    const { fetch } = createApp(site, (c) => c.body('H', 206, { 'content-range': 'bytes 0-0/5' }))
    expect((await fetch('/a', { headers: { range: 'bytes=0-0' } })).status).toBe(206)
  })
})

describe('concurrent requests in one isolate', () => {
  it('run the handler once, and each gets the whole body', async () => {
    const { fetch, calls } = createApp(site, async (c) => {
      await pause(WORK_MS)
      return c.text('shared', 200, fresh)
    })
    const responses = await Promise.all(times(50, () => fetch('/a')))
    expect(new Set(await Promise.all(responses.map((response) => response.text())))).toEqual(new Set(['shared']))
    expect(calls).toHaveLength(1)
  })

  it('wait no longer than the lease if the leader never ends', async () => {
    const source = stream()
    const { send } = createApp(
      site,
      (c) => (c.req.header('slow') ? c.body(source.body, 200, fresh) : c.text('own', 200, fresh)),
      { lease: '300ms' },
    )
    const slow = await send('/a', { headers: { slow: '1' } })
    expect(await (await send('/a')).text()).toBe('own')
    source.close()
    await slow.text()
  })
})

describe('after an unshareable response (hit-for-miss)', () => {
  /** A handler whose first response is private. */
  const turning = (release?: Promise<unknown>) => {
    let calls = 0
    return createApp(site, async (c) => {
      if (++calls === 1) return c.text('private', 200, { 'cache-control': 'private' })
      await release
      return c.text('public', 200, { ...fresh, etag: '"1"', 'cache-tag': 'page' })
    })
  }

  it('no request waits, and the first shareable response is stored', async () => {
    const source = stream()
    const first = createApp(site, (c) => c.text('private', 200, { 'cache-control': 'private' }))
    const slow = createApp(site, (c) => c.body(source.body, 200, fresh))
    const { fetch } = createApp(site, (c) => c.text('quick', 200, fresh))
    await first.fetch('/a')
    const response = await slow.send('/a')
    expect(brief(await fetch('/a'))).toBe('fwd=uri-miss;stored')
    source.push('slow')
    source.close()
    expect(await response.text()).toBe('slow')
    await slow.settled()
    const hit = await fetch('/a')
    expect([brief(hit), await hit.text()]).toEqual(['hit', 'quick'])
    expect(await heldLeases(site)).toEqual([])
  })

  it.each<[string, (app: App) => Promise<unknown>]>([
    ['is purged', () => purge(ownCache(site), { urls: ['https://example.com/a'] })],
    ['has its tag invalidated', () => ownCache(site).invalidate('page')],
    ['gets a POST', (app) => app.fetch('/a', { method: 'POST' })],
  ])('a response whose URL %s while the handler runs is not stored', async (_what, change) => {
    let release = () => {}
    const app = turning(new Promise<void>((resolve) => (release = resolve)))
    await app.fetch('/a')
    const pending = app.fetch('/a')
    await eventually(() => expect(app.calls).toHaveLength(2))
    const other = createApp(site, (c) => c.text('posted'))
    await change(other)
    release()
    expect(await (await pending).text()).toBe('public')
    expect(await stored(site)).toEqual([])
    expect(brief(await app.fetch('/a'))).toBe('fwd=uri-miss;stored')
  })

  it('a 304 updates the stored response, unless it was replaced', async () => {
    let isBroken = false
    let release: Promise<unknown> | undefined
    const handler = createApp(site, async (c) => {
      await release
      if (isBroken) return c.text('who are you?', 401)
      const isKnown = c.req.header('if-none-match') === '"1"'
      return isKnown ? c.body(null, 304, { ...fresh, etag: '"1"' }) : c.text('v1', 200, { ...fresh, etag: '"1"' })
    })
    await handler.fetch('/a')
    await age(site, 70_000)
    isBroken = true
    expect(brief(await handler.fetch('/a'))).toBe('fwd=stale;detail=not-cacheable')
    isBroken = false
    expect(brief(await handler.fetch('/a'))).toBe('fwd=stale;fwd-status=304;stored')
    expect(brief(await handler.fetch('/a'))).toBe('hit')

    await age(site, 70_000)
    isBroken = true
    await handler.fetch('/a')
    isBroken = false
    let go = () => {}
    release = new Promise<void>((resolve) => (go = resolve))
    const pending = handler.fetch('/a')
    await eventually(() => expect(handler.calls).toHaveLength(5))
    const other = createApp(site, (c) => c.text('v2', 200, { ...fresh, etag: '"2"' }))
    await other.fetch('/a')
    go()
    await pending
    const hit = await other.fetch('/a')
    expect([brief(hit), await hit.text()]).toEqual(['hit', 'v2'])
  })
})
