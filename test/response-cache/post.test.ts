import type { CacheEvent } from 'pgstash'
import { purge } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createSite, emptied, fresh, heldLeases, ownCache, type Site, stored, stream } from '../hono/app.ts'
import { createForm, FORMS, type Handler } from './forms.ts'
import { answered, createPages, MISSED, nextGet, type Options, POST, streamed } from './posts.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

describe.each(FORMS)('%s: the answer to a POST', (form) => {
  const pages = (answer?: Handler, options?: Options) => createPages([form, site], answer, options)

  it('that names its URL and its lifetime answers later GETs and HEADs', async () => {
    const site1 = pages()
    const response = await site1.fetch('/a', POST)
    expect([brief(response), await response.text()]).toEqual(['fwd=method;stored', 'posted'])
    await age(site, 10_000)
    for (const [method, body] of Object.entries({ GET: 'posted', HEAD: '' })) {
      const hit = await site1.fetch('/a', { method })
      expect([brief(hit), await hit.text()]).toEqual(['hit', body])
      expect(Number(hit.headers.get('age'))).toBeGreaterThanOrEqual(10)
    }
    expect(site1.calls).toHaveLength(1)
    expect(await heldLeases(site)).toEqual([])
  })

  it('replaces the stored response', async () => {
    const site1 = pages()
    await site1.fetch('/a')
    await site1.fetch('/a', POST)
    expect(await nextGet(site1)).toEqual(['hit', 'posted'])
  })

  it.each<[string, number, RequestInit, Options, Handler?]>([
    ['with the option', 3, POST, {}],
    ['without the option', 1, POST, { storePost: false }],
    ['to PUT', 1, { method: 'PUT' }, {}],
    ['that fails', 2, POST, {}, () => answered({}, { status: 500 })],
    ['that may not be stored', 3, POST, {}, () => answered({ 'cache-control': 'private' })],
    [
      'for a user who is not cached',
      1,
      { ...POST, headers: { authorization: 'a' } },
      { authenticated: () => undefined },
    ],
    ['under the option vary', 1, POST, { vary: ['accept-language'] }],
  ])('%s costs %i round trips', async (_name, requests, init, options, answer) => {
    const { fetch } = pages(answer, options)
    await fetch('/b')
    site.faults.reset()
    await fetch('/a', init)
    expect(site.faults.requests).toBe(requests)
  })

  it('transfers no stored body', async () => {
    const body = 'x'.repeat(100_000)
    const { fetch } = createForm(
      form,
      site,
      ({ method }) => (method === 'GET' ? new Response(body, { headers: fresh }) : answered()),
      {
        storePost: true,
      },
    )
    await fetch('/a')
    site.faults.reset()
    await fetch('/a', POST)
    expect(site.faults.bytesOut).toBeLessThan(10_000)
  })

  it.each<[string, Handler, (RequestInit | undefined)?, Options?]>([
    ['without the option', () => answered(), POST, { storePost: false }],
    ['without Content-Location', () => new Response('posted', { headers: fresh })],
    ['with another URL in Content-Location', () => answered({ 'content-location': '/a?b' })],
    ['with another origin in Content-Location', () => answered({ 'content-location': 'https://example.org/a' })],
    ['without a lifetime of its own', () => answered({ 'cache-control': 'public' }), POST, { expiration: '60s' }],
    ['with private', () => answered({ 'cache-control': 'private, max-age=60' })],
    ['with no-store', () => answered({ 'cache-control': 'no-store, max-age=60' })],
    ['with Set-Cookie', () => answered({ 'set-cookie': 'a=b' })],
    ['to a request with Authorization', () => answered(), { ...POST, headers: { authorization: 'a' } }],
    ['of status 201', () => answered({}, { status: 201 })],
    ['of status 404', () => answered({}, { status: 404 })],
    ['with Vary', () => answered({ vary: 'accept-language' })],
    ['with Vary: *', () => answered({ vary: '*' })],
    ['in an encoded form', () => answered({ 'content-encoding': 'zstd' })],
    ['under the option vary', () => answered(), POST, { vary: ['accept-language'] }],
    ['that is too large', () => answered(), POST, { maxBodyBytes: 3 }],
    ['that is shorter than its Content-Length', () => answered({ 'content-length': '9' })],
    ['to a request with no-store', () => answered(), { ...POST, headers: { 'cache-control': 'no-store' } }],
    ['to an excluded path', () => answered(), POST, { exclude: ['/a'] }],
    ['to PUT', () => answered(), { method: 'PUT', body: 'new' }],
  ])('%s is not stored, and no request waits', async (_name, answer, init = POST, options = {}) => {
    const site1 = createForm(form, site, answer, { storePost: true, ...options })
    const response = await site1.fetch('/a', init)
    expect(await response.text()).toBe('posted')
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
  })

  it('is not stored under a URL whose responses vary', async () => {
    const { fetch } = createForm(
      form,
      site,
      ({ method }) =>
        method === 'POST' ? answered() : new Response('page', { headers: { ...fresh, vary: 'accept' } }),
      { storePost: true },
    )
    await fetch('/a')
    expect(brief(await fetch('/a', POST))).toBe('fwd=method')
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
  })

  it('is stored once its streamed body ends, and GETs wait for it', async () => {
    const source = stream()
    const site1 = pages(() => streamed(source.body))
    const response = await site1.send('/a', POST)
    const get = site1.fetch('/a')
    // The claim and the purge of the POST, and the first read of the GET.
    await expect.poll(() => site.faults.log.length).toBeGreaterThanOrEqual(3)
    source.push('pos')
    source.push('ted')
    source.close()
    expect(await response.text()).toBe('posted')
    const waited = await get
    expect([brief(waited), await waited.text()]).toEqual(['fwd=uri-miss;collapsed', 'posted'])
    expect(site1.calls).toHaveLength(1)
  })

  it('is not stored if the client disconnects, and no request waits', async () => {
    const source = stream()
    const site1 = pages(() => streamed(source.body))
    const response = await site1.send('/a', POST)
    source.push('pos')
    await response.body?.cancel()
    await site1.settled()
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
    expect(await nextGet(site1)).toEqual(MISSED)
  })

  it('is not stored if its body fails, and no request waits', async () => {
    const source = stream()
    const site1 = pages(() => streamed(source.body))
    const response = await site1.send('/a', POST)
    source.fail()
    await expect(response.text()).rejects.toThrow()
    await site1.settled()
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
    expect(await nextGet(site1)).toEqual(MISSED)
  })

  it('is stored under the URL of the key option', async () => {
    const site1 = pages((request) => answered({ 'content-location': request.url }), {
      key: (request) => new URL(new URL(request.url).pathname.toLowerCase(), request.url),
    })
    expect(brief(await site1.fetch('/A?b', POST))).toBe('fwd=method;stored')
    expect(await nextGet(site1)).toEqual(['hit', 'posted'])
    await purge(ownCache(site), { urls: ['https://example.com/a'] })
    expect(await nextGet(site1)).toEqual(MISSED)
  })

  it('is stored for its own user, and deletes the responses of all others', async () => {
    const user = (name: string) => ({ headers: { authorization: name } })
    const site1 = pages(() => answered(), {
      authenticated: (request) => request.headers.get('authorization') ?? undefined,
    })
    for (const name of ['a', 'b']) await site1.fetch('/a', user(name))
    expect(brief(await site1.fetch('/a', { ...POST, ...user('a') }))).toBe('fwd=method;stored')
    expect(await nextGet(site1, user('a'))).toEqual(['hit', 'posted'])
    expect(await nextGet(site1, user('b'))).toEqual(MISSED)
    expect(await nextGet(site1)).toEqual(MISSED)
  })

  it('is not stored if the user changes while the handler runs', async () => {
    let name = 'before'
    const site1 = pages(
      () => {
        name = 'after'
        return answered()
      },
      { authenticated: () => name },
    )
    expect(brief(await site1.fetch('/a', POST))).toBe('fwd=method')
    expect([await stored(site), await heldLeases(site)]).toEqual([[], []])
  })

  it('is deleted with its tag', async () => {
    const site1 = pages(() => answered({ 'cache-tag': 'posts' }))
    await site1.fetch('/a', POST)
    expect(await nextGet(site1)).toEqual(['hit', 'posted'])
    await ownCache(site).invalidate(['posts'])
    expect((await nextGet(site1))[1]).toBe('page of GET')
  })

  it('causes no event', async () => {
    const events: CacheEvent[] = []
    const site1 = pages(() => answered(), { cache: { onEvent: (event) => void events.push(event) } })
    await site1.fetch('/a', POST)
    expect(events).toEqual([])
  })

  it('is refused if its option is not a boolean', () => {
    expect(() => pages(() => answered(), { storePost: 'yes' as unknown as boolean })).toThrow('storePost')
  })
})
