/** Faults of other caches with disconnecting clients: truncated bodies, and work that ends with one client. */
import type { Context, MiddlewareHandler } from 'hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, createApp, createSite, emptied, fresh, pause, type Site, stored, times } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

describe('a client that disconnects', () => {
  /** Ends its body when the request is aborted, like a handler that catches the error of its own source. */
  const endsOnAbort = (c: Context) => {
    const body = new ReadableStream<Uint8Array>({
      start(to) {
        to.enqueue(new TextEncoder().encode('first part'))
        c.req.raw.signal.addEventListener('abort', () => to.close())
      },
    })
    return c.body(body, 200, fresh)
  }
  const piped: MiddlewareHandler = async (c, next) => {
    await next()
    c.res = new Response(c.res.body?.pipeThrough(new TransformStream()), c.res)
  }

  // dotnet/aspnetcore#68683, darkweak/souin#704, w3c/ServiceWorker#665
  it.each<[string, MiddlewareHandler[]]>([
    ['directly', []],
    ['through middleware that edits the body', [piped]],
  ])('causes no partial body to be stored if the handler ends it on abort, read %s', async (_name, before) => {
    const { app, settled } = createApp(site, endsOnAbort, {}, { before })
    const leaving = new AbortController()
    const response = await app.fetch(new Request('https://example.com/a', { signal: leaving.signal }))
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('first part')
    leaving.abort()
    await reader.cancel().catch(() => {})
    await settled()
    expect(await stored(site)).toEqual([])
  })

  it('after a stale response does not abort the refresh', async () => {
    const signals: AbortSignal[] = []
    const app = createApp(
      site,
      async (c) => {
        signals.push(c.req.raw.signal)
        if (signals.length === 2) leaving.abort()
        return c.text('page', 200, fresh)
      },
      { stale: '1h', refresh: (request) => app.app.fetch(request) },
    )
    const leaving = new AbortController()
    await app.fetch('/a')
    await age(site, 70_000)
    await app.fetch('/a', { signal: leaving.signal })
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
  })

  it.each([1, 5, 20])(
    'does not keep the others from getting the page, if %i disconnect before it arrives',
    async (leavers) => {
      const { app, settled, calls } = createApp(site, async (c) => {
        await pause(50)
        c.req.raw.signal.throwIfAborted()
        return c.text('page', 200, fresh)
      })
      const leaving = new AbortController()
      const request = (signal?: AbortSignal) =>
        new Request('https://example.com/a', signal === undefined ? {} : { signal })
      const left = times(leavers, () => app.fetch(request(leaving.signal)))
      const stayed = times(20, () => app.fetch(request()))
      await pause(20)
      leaving.abort()
      const bodies = await Promise.all((await Promise.all(stayed)).map((response) => response.text()))
      await Promise.all(left)
      await settled()
      expect(new Set(bodies)).toEqual(new Set(['page']))
      expect(calls.length).toBeLessThanOrEqual(leavers + 20)
    },
  )
})
