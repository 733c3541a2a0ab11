/** Faults of other caches with concurrent requests: failures, private responses, and clients that disconnect. */
import type { Context } from 'hono'
import { purge } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../setup/eventually.ts'
import { createGate } from '../../setup/gate.ts'
import {
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

const CLIENTS = 100

/** A request that waits for the end of such a lease exceeds the time limit of its test. */
function appWithLongLease(
  handler: (c: Context) => Response | Promise<Response>,
  options: { maxBodyBytes?: number } = {},
) {
  return createApp(site, handler, { lease: '5m', ...options })
}

/** Sends equal requests at once, and returns each outcome. */
async function together(
  app: ReturnType<typeof createApp>,
  count = CLIENTS,
  init: (i: number) => RequestInit = () => ({}),
) {
  const responses = await Promise.all(times(count, (i) => app.send('/a', init(i))))
  const bodies = await Promise.all(responses.map((response) => response.text()))
  await app.settled()
  return { statuses: new Set(responses.map(({ status }) => status)), bodies }
}

const isFree = async () => (await heldLeases(site)).every((token) => token === 'pass')

describe('a hundred equal concurrent requests', () => {
  it.each<[string, (c: Context) => Response]>([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['answers 503', (c) => c.text('failed', 503)],
    ['answers 500 with no-store', (c) => c.text('failed', 500, { 'cache-control': 'no-store' })],
  ])('each get the failure without a long wait if the handler %s', async (_name, handler) => {
    const app = appWithLongLease(async (c) => {
      await pause(20)
      return handler(c)
    })
    const { statuses, bodies } = await together(app)
    expect([...statuses].every((status) => status >= 500)).toBe(true)
    expect(new Set(bodies)).toEqual(new Set(['failed']))
    expect([await isFree(), await stored(site)]).toEqual([true, []])
  })

  // dotnet/aspnetcore#66877
  it('get the page although the first call of the handler fails', async () => {
    const app = appWithLongLease(async (c) => {
      const isFirst = app.calls.length === 1
      await pause(20)
      if (isFirst) throw new Error('broken')
      return c.text('page', 200, fresh)
    })
    const { bodies } = await together(app)
    expect(bodies.filter((body) => body === 'failed')).toHaveLength(1)
    expect(brief(await app.fetch('/a'))).toBe('hit')
  })

  // darkweak/souin#56, unjs/ocache#61
  it.each<[string, Record<string, string>]>([
    ['private', { 'cache-control': 'private' }],
    ['no-store', { 'cache-control': 'no-store' }],
    ['with a cookie', { ...fresh, 'set-cookie': 'a=1' }],
    ['with Vary: *', { ...fresh, vary: '*' }],
    ['without a lifetime', {}],
  ])('each get their own response if it turns out %s', async (_name, fields) => {
    const app = appWithLongLease(async (c) => {
      await pause(20)
      return c.text(`for ${c.req.header('x-user')}`, 200, fields)
    })
    const { bodies } = await together(app, CLIENTS, (i) => ({ headers: { 'x-user': String(i) } }))
    expect(bodies).toEqual(times(CLIENTS, (i) => `for ${i}`))
    expect(await isFree()).toBe(true)
  })

  it('each get their own variant if the response varies', async () => {
    const app = appWithLongLease(async (c) => {
      await pause(20)
      return c.text(`in ${c.req.header('x-lang')}`, 200, { ...fresh, vary: 'X-Lang' })
    })
    const { bodies } = await together(app, CLIENTS, (i) => ({ headers: { 'x-lang': String(i % 3) } }))
    expect(bodies).toEqual(times(CLIENTS, (i) => `in ${i % 3}`))
    expect(app.calls.length).toBeLessThan(CLIENTS / 2)
  })

  // darkweak/souin#704
  it('get whole bodies if the first client disconnects in the middle of its body', async () => {
    const source = stream()
    const app = appWithLongLease((c) =>
      app.calls.length === 1 ? c.body(source.body, 200, fresh) : c.text('whole', 200, fresh),
    )
    const first = await app.send('/a')
    const reader = (first.body as ReadableStream<Uint8Array>).getReader()
    source.push('who')
    await reader.read()
    const others = together(app)
    await pause(100)
    await reader.cancel()
    const { bodies } = await others
    expect(new Set(bodies)).toEqual(new Set(['whole']))
    expect(app.calls).toHaveLength(2)
  })

  it('do not wait for each other if the first response is slow and too large', async () => {
    const source = stream()
    const app = createApp(
      site,
      (c) => (app.calls.length === 1 ? c.body(source.body, 200, fresh) : c.text('small', 200, fresh)),
      {
        maxBodyBytes: 10,
      },
    )
    const first = app.send('/a').then((response) => response.text())
    await eventually(() => expect(app.calls).toHaveLength(1))
    const others = together(app, 20)
    source.push('more than ten bytes')
    await others
    source.close()
    await first
  })

  it('get no page from before a purge that preceded them', async () => {
    const answers = createGate()
    let version = 1
    const app = createApp(site, async (c) => {
      const body = `page ${version}`
      await answers.opened
      return c.text(body, 200, fresh)
    })
    const before = together(app, 20)
    await pause(100)
    version = 2
    await purge(ownCache(site), { urls: ['https://example.com/a'] })
    const after = together(app, 20)
    await pause(100)
    answers.open()
    await before
    expect(new Set((await after).bodies)).toEqual(new Set(['page 2']))
    expect(await (await app.fetch('/a')).text()).toBe('page 2')
  })

  // nginx/nginx#880, nginx/nginx#342
  it('refresh a stale page once, and again after a failed refresh', async () => {
    let isBroken = true
    const app = createApp(
      site,
      async (c) => {
        await pause(20)
        if (app.calls.length > 1 && isBroken) throw new Error('broken')
        return c.text(`page ${app.calls.length}`, 200, fresh)
      },
      { stale: '1h', refresh: (request) => app.app.fetch(request) },
    )
    await app.fetch('/a')
    await age(site, 70_000)
    expect(new Set((await together(app)).bodies)).toEqual(new Set(['page 1']))
    expect(app.calls.length).toBeLessThanOrEqual(3)
    isBroken = false
    await age(site, 10_000)
    await together(app, 20)
    expect(await (await app.fetch('/a')).text()).not.toBe('page 1')
  })
})
