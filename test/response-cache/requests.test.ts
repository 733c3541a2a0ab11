import { createContext, runInContext } from 'node:vm'
import { NextRequest } from 'next/server.js'
import { withResponseCache } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { absolute, age, brief, createSite, emptied, fresh, ownCache, type Site, times } from '../hono/app.ts'
import { createForm, FORMS } from './forms.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const MINUTE = 60_000
const condition = { headers: { 'if-none-match': '"other"' } }

/** Created by the runtime: programs cannot construct one, and it has more properties than a request. */
function runtimeRequest(url: string, init: RequestInit): Request {
  let isOpen = true
  class RuntimeRequest extends Request {
    readonly params = { id: '7' }
    constructor(input: string, given: RequestInit) {
      super(input, given)
      if (!isOpen) throw new TypeError('Illegal constructor')
    }
    get ip() {
      return '192.0.2.1'
    }
    greet() {
      return `Hello from ${this.params.id}`
    }
  }
  const request = new RuntimeRequest(url, init)
  isOpen = false
  return request
}

/** Created by srvx and node-server: an object with the prototype of a Request, which `new Request` refuses. */
function lightweight(url: string, init: RequestInit): Request {
  const request = new Request(url, init)
  const own = ['url', 'method', 'headers', 'signal', 'body', 'bodyUsed'].map((name) => [
    name,
    { get: () => Reflect.get(request, name) },
  ])
  return Object.create(Request.prototype, {
    ...Object.fromEntries(own),
    clone: { value: () => request.clone() },
    _request: { value: request },
  })
}

const KINDS: readonly [string, (url: string, init: RequestInit) => Request][] = [
  ['a Request', (url, init) => new Request(url, init)],
  ['a NextRequest', (url, init) => new NextRequest(url, init as never) as unknown as Request],
  ['a subclass that cannot be constructed', runtimeRequest],
  ['an object that only looks like one', lightweight],
  // As Next passes it to route handlers.
  [
    'a proxy',
    (url, init) =>
      new Proxy(new Request(url, init), {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      }),
  ],
]

describe.each(KINDS)('%s', (_name, make) => {
  it.each(FORMS)('with a condition reaches the handler without it, in the form for %s', async (form) => {
    const { dispatch, calls, settled } = createForm(form, site, () => new Response('page', { headers: fresh }))
    const leaving = new AbortController()
    const response = await dispatch(make(absolute('/a?b=c'), { ...condition, signal: leaving.signal }))
    expect([brief(response), await response.text()]).toEqual(['fwd=uri-miss;stored', 'page'])
    expect([calls[0]?.url, calls[0]?.headers.get('if-none-match')]).toEqual([absolute('/a?b=c'), null])
    await settled()
    leaving.abort()
    expect(calls[0]?.signal.aborted).toBe(true)
    expect(brief(await dispatch(make(absolute('/a?b=c'), condition)))).toBe('hit')
  })

  it.each(FORMS)('is refreshed with a request that does not end with its client, in the form for %s', async (form) => {
    const { dispatch, calls, settled } = createForm(form, site, () => new Response('page', { headers: fresh }), {
      stale: '1h',
    })
    await (await dispatch(make(absolute('/a'), {}))).text()
    await settled()
    await age(site, MINUTE + 10_000)
    const leaving = new AbortController()
    const stale = await dispatch(make(absolute('/a'), { signal: leaving.signal }))
    leaving.abort()
    expect(brief(stale)).toBe('hit')
    await settled()
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([false, false])
    expect(brief(await dispatch(make(absolute('/a'), {})))).toBe('hit')
    expect(calls).toHaveLength(2)
  })
})

describe('a handler', () => {
  it('gets the request class of its framework, also for a refresh', async () => {
    let version = 1
    const classes: unknown[] = []
    const handle = withResponseCache(
      (request: NextRequest) => {
        classes.push(request.constructor)
        return new Response(`${request.nextUrl.searchParams.get('b')}${version++}`, { headers: fresh })
      },
      { cache: ownCache(site), stale: '1h', waitUntil: (work) => void background.push(work) },
    )
    const background: Promise<unknown>[] = []
    const ask = async (init = {}) => {
      const response = await handle(new NextRequest(absolute('/a?b=c'), init))
      const text = await response.text()
      await Promise.all(background.splice(0))
      return [brief(response), text]
    }
    expect(await ask(condition)).toEqual(['fwd=uri-miss;stored', 'c1'])
    await age(site, MINUTE + 10_000)
    expect([await ask(), await ask()]).toEqual([
      ['hit', 'c1'],
      ['hit', 'c2'],
    ])
    expect(classes).toEqual([NextRequest, NextRequest])
  })

  it('gets the properties that its runtime added to the request', async () => {
    const handle = withResponseCache(
      (request: ReturnType<typeof runtimeRequest> & { ip?: string; params?: object; greet?: () => string }) =>
        Response.json([request.ip, request.params, request.greet?.()], { headers: { 'cache-control': 'no-store' } }),
      { cache: ownCache(site) },
    )
    for (const init of [{}, condition]) {
      const response = await handle(runtimeRequest(absolute('/a'), init))
      expect(await response.json()).toEqual(['192.0.2.1', { id: '7' }, 'Hello from 7'])
    }
  })

  it('may copy its request, and the copy has the conditions of the cache', async () => {
    // Srvx replaces the global class this way.
    class PatchedRequest extends Request {
      constructor(input: Request) {
        super('_request' in input ? (input._request as Request) : input)
      }
    }
    for (const make of [runtimeRequest, lightweight]) {
      const handle = withResponseCache(
        (request: Request) => new Response(new PatchedRequest(request).headers.get('if-none-match') ?? 'none'),
        { cache: ownCache(site) },
      )
      expect(await (await handle(make(absolute('/a'), condition))).text()).toBe('none')
    }
  })
})

describe('a request', () => {
  it.each(FORMS)('with immutable headers is answered, in the form for %s', async (form) => {
    const { dispatch, settled } = createForm(form, site, () => new Response('page', { headers: fresh }))
    const immutable = () => {
      const request = new Request(absolute('/a'), condition)
      const refuse = () => {
        throw new TypeError("Can't modify immutable headers.")
      }
      for (const name of ['set', 'append', 'delete']) Object.defineProperty(request.headers, name, { value: refuse })
      return request
    }
    expect(brief(await dispatch(immutable()))).toBe('fwd=uri-miss;stored')
    await settled()
    expect(brief(await dispatch(immutable()))).toBe('hit')
  })

  it('that is used several times is a miss first, and then a hit', async () => {
    const { dispatch, calls, settled } = createForm('fetch', site, () => new Response('page', { headers: fresh }))
    const request = new Request(absolute('/a'))
    const seen = []
    for (const _ of times(3, String)) {
      const response = await dispatch(request)
      await response.text()
      await settled()
      seen.push(brief(response))
    }
    expect([seen, calls.length]).toEqual([['fwd=uri-miss;stored', 'hit', 'hit'], 1])
  })

  it('from another realm is answered', async () => {
    const { dispatch, calls } = createForm('fetch', site, () => new Response('page', { headers: fresh }))
    // An instance of no class of this realm, but with every property of a Request.
    const foreign = runInContext(
      `({ url, method: 'GET', headers, signal: undefined, body: null, clone() { return this } })`,
      createContext({ url: absolute('/a'), headers: new Headers(condition.headers) }),
    )
    expect(brief(await dispatch(foreign))).toBe('fwd=uri-miss;stored')
    expect(calls[0]).toBeInstanceOf(Request)
  })

  it('with characters beyond ASCII in its headers is answered, and Vary distinguishes them', async () => {
    const { fetch } = createForm('fetch', site, ({ headers }) => {
      return new Response(headers.get('x-name'), { headers: { ...fresh, vary: 'x-name' } })
    })
    for (const how of ['stored', 'hit']) {
      for (const name of ['\u00e9t\u00e9', '\u00ff']) {
        const response = await fetch('/a', { headers: { 'x-name': name } })
        expect([await response.text(), brief(response)]).toEqual([name, expect.stringContaining(how)])
      }
    }
  })
})
