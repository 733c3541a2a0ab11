/** A response that proves that the stored response is outdated deletes it, and no other. */
import type { Context } from 'hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, heldLeases, type Site, stored } from '../hono/app.ts'
import { createGate } from '../setup/gate.ts'
import { createForm, type Handler } from './forms.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const gone = () => new Response('gone', { status: 410, headers: { 'cache-control': 'no-store' } })
const page = (text: string, maxAge: number) =>
  new Response(text, { headers: { etag: `"${text}"`, 'cache-control': `max-age=${maxAge}` } })

describe('a page that is gone', () => {
  it('for anonymous clients leaves the pages of users', async () => {
    let isGone = false
    const { fetch } = createApp(
      site,
      ({ req }) => (isGone ? gone() : page('page', req.header('x-user') === undefined ? 1 : 600)),
      { authenticated: ({ req }) => req.header('x-user') },
    )
    const asAlice = { headers: { 'x-user': 'alice' } }
    await fetch('/a')
    await fetch('/a', asAlice)
    await age(site, 5_000)
    isGone = true
    expect(brief(await fetch('/a'))).toBe('fwd=stale;detail=no-store')
    expect(await stored(site)).toHaveLength(1)
    expect(brief(await fetch('/a', asAlice))).toBe('hit')
    expect(await heldLeases(site)).toEqual([])
  })

  it.each<[string, (app: ReturnType<typeof createApp>) => Promise<unknown>, ms: number]>([
    ['lost its lease', async () => {}, 11_000],
    ['holds no lease while the URL is hit-for-miss', (app) => app.fetch('/a'), 0],
  ])('for a request that %s leaves responses that another request stored since', async (_name, before, ms) => {
    const isSent = createGate()
    const isAsked = createGate()
    const answers = [
      () => page('old', 1),
      ...(ms === 0 ? [() => new Response('slow down', { status: 429 })] : []),
      async () => {
        isAsked.open()
        await isSent.opened
        return gone()
      },
      () => page('new', 600),
    ]
    const app = createApp(site, () => answers.shift()?.() ?? gone())
    await app.fetch('/a')
    await age(site, 5_000)
    await before(app)
    const late = app.fetch('/a')
    await isAsked.opened
    await age(site, ms)
    expect(brief(await app.fetch('/a'))).toBe('fwd=stale;stored')
    isSent.open()
    expect((await late).status).toBe(410)
    const next = await app.fetch('/a')
    expect([brief(next), await next.text()]).toEqual(['hit', 'new'])
  })

  it('while the URL is hit-for-miss prevents storing an older response', async () => {
    const isSent = createGate()
    const isAsked = createGate()
    const answers = [
      () => page('old', 1),
      () => new Response('slow down', { status: 429 }),
      async () => {
        isAsked.open()
        await isSent.opened
        return page('older', 600)
      },
      gone,
    ]
    const app = createApp(site, () => answers.shift()?.() ?? gone())
    await app.fetch('/a')
    await age(site, 5_000)
    await app.fetch('/a')
    const late = app.fetch('/a')
    await isAsked.opened
    expect((await app.fetch('/a')).status).toBe(410)
    expect(await stored(site)).toEqual([])
    isSent.open()
    expect(await (await late).text()).toBe('older')
    expect(await stored(site)).toEqual([])
  })
})

describe('after a 304 about another representation, the handler runs without conditions', () => {
  /** Answers conditions with this 304, and all other requests with this response. */
  const renamed = (response: () => Response) => (request: Request) =>
    request.headers.has('if-none-match') ? new Response(null, { status: 304, headers: { etag: '"2"' } }) : response()
  const old = () => new Response('old', { headers: { etag: '"1"', 'cache-control': 'max-age=1, stale-if-error=60' } })
  const failed = () => new Response('failed', { status: 503 })
  const secret = () => new Response('secret', { headers: { 'cache-control': 'private' } })

  const stale = async (then: Handler) => {
    const answers = [old, then]
    const app = createForm('fetch', site, (request) =>
      (answers.length > 1 ? (answers.shift() as Handler) : then)(request),
    )
    await app.fetch('/a')
    await age(site, 5_000)
    return app
  }

  it('and a private response deletes the stored one, which can then replace no error', async () => {
    const { fetch } = await stale(renamed(secret))
    const response = await fetch('/a')
    expect([await response.text(), brief(response)]).toEqual(['secret', 'fwd=stale;detail=private'])
    expect(await stored(site)).toEqual([])
    expect(await heldLeases(site)).toEqual([])
  })

  it('and the stored response replaces an error', async () => {
    const { fetch } = await stale(renamed(failed))
    const response = await fetch('/a')
    expect([await response.text(), brief(response)]).toEqual(['old', 'fwd=stale;fwd-status=503;detail=stale-if-error'])
    expect(await heldLeases(site)).toEqual(['pass'])
  })

  it('and a second 304 reaches no client that sent no condition', async () => {
    const { fetch, calls } = await stale(() => new Response(null, { status: 304, headers: { etag: '"2"' } }))
    const response = await fetch('/a')
    expect([response.status, await response.text(), calls.length]).toEqual([200, 'old', 3])
    expect(await stored(site)).toEqual([])
  })
})

describe('a handler’s response to a HEAD that contradicts the stored one', () => {
  it.each<[string, string, object]>([
    ['the pages of users', 'x-user', { authenticated: (c: Context) => c.req.header('x-user') }],
    ['other variants', 'x-name', { vary: ['x-name'] }],
  ])('makes that response stale, and leaves %s', async (_name, field, options) => {
    const { fetch } = createApp(
      site,
      ({ req }) => (req.method === 'HEAD' ? page('new', 60) : page(`page of ${req.header(field) ?? 'all'}`, 60)),
      { ...options, requestDirectives: true },
    )
    const another = { headers: { [field]: 'alice' } }
    await fetch('/a')
    await fetch('/a', another)
    await fetch('/a', { method: 'HEAD', headers: { 'cache-control': 'no-cache' } })
    expect(brief(await fetch('/a', another))).toBe('hit')
    expect(brief(await fetch('/a'))).toBe('fwd=stale;stored')
  })
})
