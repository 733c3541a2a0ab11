import { EdgeVM } from '@edge-runtime/vm'
import { NextResponse } from 'next/server.js'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createSite, emptied, fresh, heldLeases, type Site, status, stored, times } from '../hono/app.ts'
import { createForm, FORMS } from './forms.ts'
import { startNodeServer } from './servers.ts'

let site: Site
let origin: URL
beforeAll(async () => {
  site = await createSite()
  // With its own classes this program keeps those of Node.
  origin = await startNodeServer(() => new Response('from far', { headers: { ...fresh, 'x-origin': '1' } }), false)
})
beforeEach(() => emptied(site))

const privately = { 'cache-control': 'private' }

describe.each(FORMS)('a response in the form for %s', (form) => {
  it.each([
    ['redirects', 301, () => Response.redirect('https://example.com/b', 301)],
    ['is a null body', 204, () => new Response(null, { status: 204 })],
  ])('that %s is stored with its headers', async (_name, expected, handler) => {
    const { fetch } = createForm(form, site, handler, { expiration: '1h' })
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const response = await fetch('/a')
      expect([response.status, brief(response)]).toEqual([expected, how])
      expect(response.headers.get('location')).toBe(expected === 301 ? 'https://example.com/b' : null)
    }
  })

  it.each(['GET', 'POST'])('from fetch() is passed on with Cache-Status, to a %s', async (method) => {
    const { fetch } = createForm(form, site, () => globalThis.fetch(origin))
    const response = await fetch('/a', { method })
    expect([await response.text(), response.headers.get('x-origin')]).toEqual(['from far', '1'])
    expect(brief(response)).toBe(method === 'GET' ? 'fwd=uri-miss;stored' : 'fwd=method')
    if (method === 'GET') expect(brief(await fetch('/a'))).toBe('hit')
  })

  it('from fetch() that may not be stored is passed on with Cache-Status', async () => {
    const { fetch } = createForm(form, site, () => globalThis.fetch(origin), { statuses: [404] })
    const response = await fetch('/a')
    expect([await response.text(), brief(response)]).toEqual(['from far', 'fwd=uri-miss;detail=status'])
  })

  it.each<[string, number, Record<string, string>]>([
    ['stored', 204, fresh],
    ['private', 200, privately],
    ['an error', 404, {}],
  ])('that answers many requests never changes: %s', async (_name, code, headers) => {
    const constant = new Response(null, { status: code, headers })
    const { fetch } = createForm(form, site, () => constant)
    for (const path of ['/a', '/a', '/b']) {
      for (const method of ['GET', 'HEAD', 'POST']) {
        const response = await fetch(path, { method })
        expect([response.status, status(response)?.split(', ')]).toEqual([code, [expect.any(String)]])
      }
    }
    expect([...constant.headers]).toEqual(Object.entries(headers))
  })

  it('that is a network error is passed on unchanged, and blocks no request', async () => {
    const { send, settled } = createForm(form, site, () => Response.error())
    const responses = [await send('/a'), await send('/a', { method: 'POST' })]
    await settled()
    expect(responses.map((response) => [response.status, status(response)])).toEqual([
      [0, null],
      [0, null],
    ])
    expect([await stored(site), await heldLeases(site)]).toEqual([[], ['pass']])
  })

  it('that is a network error is replaced by a stale response, with staleIfError', async () => {
    let isReachable = true
    const { fetch } = createForm(
      form,
      site,
      () => (isReachable ? new Response('page', { headers: fresh }) : Response.error()),
      { staleIfError: '1h' },
    )
    await fetch('/a')
    isReachable = false
    await age(site, 70_000)
    const stale = await fetch('/a')
    expect([await stale.text(), brief(stale)]).toEqual(['page', 'fwd=stale;fwd-status=500;detail=stale-if-error'])
  })

  it('from a subclass is stored with its headers and separate cookies', async () => {
    const { fetch } = createForm(
      form,
      site,
      () => {
        const response = NextResponse.json({ a: 1 }, { headers: fresh })
        response.cookies.set('a', '1')
        response.cookies.set('b', '2')
        return response as unknown as Response
      },
      { storeSetCookie: true },
    )
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const response = await fetch('/a')
      expect([await response.json(), brief(response)]).toEqual([{ a: 1 }, how])
      expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2; Path=/'])
    }
  })

  it('with a status text keeps it', async () => {
    const { fetch } = createForm(form, site, () => new Response('x', { headers: privately, statusText: 'Fine' }))
    expect((await fetch('/a')).statusText).toBe('Fine')
  })

  it('with characters beyond ASCII in its headers comes back unchanged', async () => {
    const value = 'caf\u00e9 \u00ff'
    const { fetch } = createForm(
      form,
      site,
      () =>
        new Response('x', { headers: { ...fresh, 'x-name': value, etag: '"\u00e9"', 'cache-tag': '\u00e9t\u00e9' } }),
    )
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      const response = await fetch('/a')
      expect([response.headers.get('x-name'), response.headers.get('etag'), brief(response)]).toEqual([
        value,
        '"\u00e9"',
        how,
      ])
    }
    expect((await fetch('/a', { headers: { 'if-none-match': '"\u00e9"' } })).status).toBe(304)
  })

  it.each([
    ['bytes beyond ASCII', 'caf\u00e9;hit'],
    ['text that does not parse', '"'],
  ])('with a Cache-Status of %s gets only the value of this cache', async (_name, value) => {
    const { fetch } = createForm(form, site, () => new Response('x', { headers: { ...fresh, 'cache-status': value } }))
    expect([brief(await fetch('/a')), brief(await fetch('/a'))]).toEqual(['fwd=uri-miss;stored', 'hit'])
  })

  it('that the handler returns twice is stored once, and both answers are right', async () => {
    let once: Promise<Response> | undefined
    const { send, settled } = createForm(form, site, () => {
      once ??= Promise.resolve(new Response('page', { headers: fresh }))
      return once
    })
    const responses = await Promise.all(times(5, () => send('/a')))
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(times(5, () => 'page'))
    await settled()
    expect(await stored(site)).toHaveLength(1)
  })
})

describe('a response of another realm', () => {
  const vm = new EdgeVM()
  const make = (code: string) => () => vm.evaluate<Response>(code)

  it.each([
    ['that is a text', 'max-age=60', `'page'`],
    ['that is a stream', 'max-age=60', `new Response('page').body`],
    ['that may not be stored', 'private', `'page'`],
  ])('%s is answered', async (_name, cacheControl, body) => {
    const handler = make(`new Response(${body}, { headers: { 'cache-control': '${cacheControl}' } })`)
    expect(handler()).not.toBeInstanceOf(Response)
    const { fetch } = createForm('fetch', site, handler)
    const isStored = cacheControl !== 'private'
    for (const how of isStored ? ['fwd=uri-miss;stored', 'hit'] : times(2, () => 'fwd=uri-miss;detail=private')) {
      const response = await fetch('/a')
      expect([await response.text(), brief(response)]).toEqual(['page', how])
    }
  })

  it('with immutable headers is passed on with its body', async () => {
    const frozen = () => {
      const response = make(`new Response('page', { headers: { 'cache-control': 'private' } })`)()
      const refuse = () => {
        throw new TypeError('immutable')
      }
      Object.defineProperty(response.headers, 'set', { value: refuse })
      return response
    }
    const { fetch } = createForm('fetch', site, frozen)
    const response = await fetch('/a')
    expect([await response.text(), brief(response)]).toEqual(['page', 'fwd=uri-miss;detail=private'])
  })
})
