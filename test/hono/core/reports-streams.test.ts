/** Faults of other caches with streams: events, endless bodies, slow clients, and clients that disconnect. */
import type { MiddlewareHandler } from 'hono'
import { streamSSE } from 'hono/streaming'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../setup/eventually.ts'
import {
  age,
  brief,
  createApp,
  createSite,
  emptied,
  fresh,
  heldLeases,
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

type Reader = ReadableStreamDefaultReader<Uint8Array>
const readerOf = (response: Response) => (response.body as ReadableStream<Uint8Array>).getReader()
const next = async (reader: Reader) => new TextDecoder().decode((await reader.read()).value)
const encode = (text: string) => new TextEncoder().encode(text)

describe('server-sent events', () => {
  // nitrojs/nitro#1745, unjs/ocache#47, apigee-127/volos#28
  it.each<[string, Record<string, string>]>([
    ['no-cache', { 'cache-control': 'no-cache' }],
    ['no-store', { 'cache-control': 'no-store' }],
    ['no Cache-Control', {}],
    ['no Cache-Control and a charset', { 'content-type': 'text/event-stream; charset=utf-8' }],
  ])('with %s reach each of several clients at once', async (_name, fields) => {
    const sources = times(3, () => stream())
    let opened = 0
    const { send, settled } = createApp(
      site,
      (c) => {
        const source = sources[opened++]
        source?.push(`data: ${opened}\n\n`)
        return c.body(source?.body as ReadableStream, 200, { 'content-type': 'text/event-stream', ...fields })
      },
      // A request that waited for this lease would exceed the time limit of the test.
      { expiration: '1h', lease: '5m' },
    )
    const readers: Reader[] = []
    for (let i = 1; i <= 3; i++) {
      const reader = readerOf(await send('/events'))
      expect(await next(reader)).toBe(`data: ${i}\n\n`)
      readers.push(reader)
    }
    for (const reader of readers) await reader.cancel()
    await settled()
    expect(await stored(site)).toEqual([])
  })

  it('from streamSSE end their handler when the client disconnects', async () => {
    let isAborted = false
    const { send, settled } = createApp(site, (c) =>
      streamSSE(c, async (events) => {
        events.onAbort(() => {
          isAborted = true
        })
        while (!events.aborted) {
          await events.writeSSE({ data: 'tick' })
          await pause(10)
        }
      }),
    )
    const reader = readerOf(await send('/events'))
    expect(await next(reader)).toContain('tick')
    await reader.cancel()
    await eventually(() => expect(isAborted).toBe(true))
    await settled()
    expect(await stored(site)).toEqual([])
  })
})

describe('an endless body', () => {
  /** Counts the bytes read from it. */
  function endless() {
    const state = { bytes: 0, isCancelled: false }
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(to) {
          await pause(1)
          state.bytes += 1_000
          to.enqueue(new Uint8Array(1_000).fill(97))
        },
        cancel() {
          state.isCancelled = true
        },
      },
      { highWaterMark: 0 },
    )
    return { state, body }
  }

  it('is not read without a limit if no client reads it', async () => {
    const { state, body } = endless()
    const { send } = createApp(site, (c) => c.body(body, 200, fresh), { maxBodyBytes: 20_000 })
    const response = await send('/a')
    await pause(300)
    expect(state.bytes).toBeLessThan(100_000)
    await response.body?.cancel()
    expect(state.isCancelled).toBe(true)
  })

  it('is read at the pace of the client if it may not be stored', async () => {
    const { state, body } = endless()
    const { send } = createApp(site, (c) => c.body(body, 200, { 'cache-control': 'private' }))
    const reader = readerOf(await send('/a'))
    await reader.read()
    await pause(100)
    expect(state.bytes).toBeLessThan(5_000)
    await reader.cancel()
    expect(state.isCancelled).toBe(true)
  })

  it('is cancelled once it is too large if the client has the response already', async () => {
    const { state, body } = endless()
    const { send } = createApp(site, (c) => c.body(body, 200, { ...fresh, etag: '"1"' }), { maxBodyBytes: 5_000 })
    expect((await send('/a', { headers: { 'if-none-match': '"1"' } })).status).toBe(304)
    await expect.poll(() => state.isCancelled).toBe(true)
  })

  it.each([
    ['may not be stored', { 'cache-control': 'no-store' }],
    ['is too large', fresh],
  ])('in a refresh that %s is cancelled, so that the refresh ends', async (_name, fields) => {
    const { state, body } = endless()
    let isEndless = false
    const app = createApp(site, (c) => (isEndless ? c.body(body, 200, fields) : c.text('page', 200, fresh)), {
      stale: '1h',
      maxBodyBytes: 5_000,
      refresh: (request) => app.app.fetch(request),
    })
    await app.fetch('/a')
    await age(site, 70_000)
    isEndless = true
    expect(await (await app.send('/a')).text()).toBe('page')
    await expect.poll(() => state.isCancelled).toBe(true)
  })
})

describe('a body that fails', () => {
  it.each([0, 1, 100])('after %i chunks is not stored, and the client sees the failure', async (count) => {
    let sent = 0
    const { send, settled, fetch } = createApp(site, (c) => {
      if (c.req.header('whole')) return c.text('whole', 200, fresh)
      const pull = (to: ReadableStreamDefaultController) =>
        sent++ < count ? to.enqueue(encode('chunk ')) : to.error(new Error('cut off'))
      return c.body(new ReadableStream({ pull }, { highWaterMark: 0 }), 200, fresh)
    })
    await expect((await send('/a')).text()).rejects.toThrow('cut off')
    await settled()
    expect(await stored(site)).toEqual([])
    expect(await (await fetch('/a', { headers: { whole: '1' } })).text()).toBe('whole')
  })

  it('after the last byte that Content-Length promises is not stored', async () => {
    const source = stream()
    const { send, settled } = createApp(site, (c) => c.body(source.body, 200, { ...fresh, 'content-length': '4' }))
    const response = await send('/a')
    source.push('page')
    source.fail()
    await response.text().catch(() => {})
    await settled()
    expect(await stored(site)).toEqual([])
  })

  it.each([
    ['0', 'page'],
    ['3', 'page'],
    ['5', 'page'],
    ['4, 4', 'page'],
    ['-4', 'page'],
    ['4e0', 'page'],
    ['1', ''],
  ])('with a wrong Content-Length of %s is not stored: %j', async (length, body) => {
    const { fetch } = createApp(site, (c) => c.body(body, 200, { ...fresh, 'content-length': length }))
    await fetch('/a').catch(() => {})
    expect(await stored(site)).toEqual([])
    expect((await heldLeases(site)).filter((token) => token !== 'pass')).toEqual([])
  })
})

describe('a byte stream', () => {
  const bytes = () =>
    new ReadableStream({
      type: 'bytes',
      pull(to) {
        to.enqueue(encode('page'))
        to.close()
      },
    })

  it('is stored', async () => {
    const { fetch } = createApp(site, (c) => c.body(bytes(), 200, fresh))
    expect(await (await fetch('/a')).text()).toBe('page')
    const hit = await fetch('/a')
    expect([brief(hit), await hit.text()]).toEqual(['hit', 'page'])
  })

  it.each([false, true])('can be read into a buffer by outer middleware, cached: %s', async (isCached) => {
    const texts: string[] = []
    const reads: MiddlewareHandler = async (c, next) => {
      await next()
      const reader = (c.res.body as ReadableStream<Uint8Array>).getReader({ mode: 'byob' })
      const { value } = await reader.read(new Uint8Array(10))
      texts.push(new TextDecoder().decode(value))
      reader.releaseLock()
    }
    const { app, settled } = createApp(site, (c) => c.body(bytes(), 200, fresh), isCached ? {} : { exclude: ['/*'] }, {
      before: [reads],
    })
    expect((await app.request('https://example.com/a')).status).toBe(200)
    await settled()
    expect(texts).toEqual(['page'])
  })
})
