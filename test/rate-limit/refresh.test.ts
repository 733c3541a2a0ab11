import { Hono } from 'hono'
import type { Cache } from 'pgstash'
import { rateLimit } from 'pgstash/fetch'
import { rateLimit as rateLimitOfHono } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { endRefresh, isRefresh, markRefresh } from '../../src/response-cache/refresh-mark.ts'
import { counters, createMigratedStash, emptied, PATIENCE_MS } from './limits.ts'

let stash: Awaited<ReturnType<typeof createMigratedStash>>
let cache: Cache
beforeAll(async () => {
  stash = await createMigratedStash()
  cache = stash.cache
})
beforeEach(() => emptied(stash))

/** Both forms of a limit that refuses all requests, around a handler that reports whether it got a refresh. */
function forms(options: object) {
  const all = { cache, limit: 0, period: '1m', key: () => 'client', timeout: PATIENCE_MS, ...options } as const
  const handler = (request: Request) => new Response(String(isRefresh(request)))
  const app = new Hono().use(rateLimitOfHono(all)).get('/', (c) => handler(c.req.raw))
  return { fetch: rateLimit(handler, all), hono: async (request: Request) => app.fetch(request) }
}

function refreshing(): Request {
  const request = new Request('https://example.com/')
  markRefresh(request)
  return request
}

describe.each(['fetch', 'hono'] as const)('a refresh of the response cache through %s', (form) => {
  it('passes uncounted, before any function of the options is called', async () => {
    const never = vi.fn()
    const functions = { cache: never, limit: never, key: never, skip: never, onLimit: never, onError: never }
    const handle = forms(functions)[form]
    // Outer middleware may replace the request.
    for (const request of [refreshing(), new Request(refreshing()), refreshing().clone()]) {
      const response = await handle(request)
      expect([response.status, await response.text(), response.headers.has('ratelimit')]).toEqual([200, 'true', false])
    }
    expect(never).not.toHaveBeenCalled()
    expect(stash.faults.requests).toBe(0)
    expect(await counters(cache)).toEqual([])
  })

  it('cannot be forged by a client', async () => {
    const handle = forms({})[form]
    const ended = refreshing()
    endRefresh(ended)
    const forged = new Request('https://example.com/', { headers: { 'pgstash-refresh': crypto.randomUUID() } })
    for (const request of [ended, forged, new Request('https://example.com/')]) {
      expect((await handle(request)).status).toBe(429)
    }
  })
})
