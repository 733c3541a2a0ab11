import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Cache } from 'pgstash'
import type { RateLimitOptions } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { advance } from '../setup/postgres-store.ts'
import { type Args, createMigratedStash, emptied, limited, members } from './limits.ts'

let stash: Awaited<ReturnType<typeof createMigratedStash>>
let cache: Cache
beforeAll(async () => {
  stash = await createMigratedStash()
  cache = stash.cache
})
beforeEach(() => emptied(stash))

const make = (options: Partial<RateLimitOptions<Args>> = {}) => limited({ cache, ...options })

describe('the headers of a limited response', () => {
  it('state the limit and the remaining requests on every response', async () => {
    const app = make()
    const first = await app.request('/')
    expect(first.headers.get('ratelimit-policy')).toBe('"two";q=2;w=60')
    expect(first.headers.get('ratelimit')).toMatch(/^"two";r=1;t=(?:60|5\d)$/)
    expect(first.headers.has('retry-after')).toBe(false)
    const left = [members(await app.request('/'), 'ratelimit'), members(await app.request('/'), 'ratelimit')]
    expect(left).toMatchObject([[['two', { r: 0 }]], [['two', { r: 0 }]]])
  })

  it('state the seconds to wait, rounded up', async () => {
    const app = make({ limit: 0 })
    await app.request('/')
    await advance(stash.db, 29_500)
    const refused = await app.request('/')
    expect(refused.headers.get('retry-after')).toMatch(/^(?:31|30|2\d)$/)
    expect(members(refused, 'ratelimit')).toEqual([['two', { r: 0, t: Number(refused.headers.get('retry-after')) }]])
  })

  it.each([-86_400_000, 86_400_000])('do not depend on the isolate’s clock, which is off by %d ms', async (off) => {
    const real = Date.now
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => real() + off)
    const app = make({ limit: 1 })
    const [passed, refused] = [await app.request('/'), await app.request('/')]
    clock.mockRestore()
    expect([passed.status, refused.status]).toEqual([200, 429])
    for (const answer of [passed, refused])
      expect(members(answer, 'ratelimit')[0]?.[1].t).toSatisfy((t: number) => t > 50 && t <= 60)
    expect(refused.headers.get('retry-after')).toMatch(/^(?:60|5\d)$/)
  })

  it('list all limits that apply to a request, in order', async () => {
    const minute = make({ name: 'minute', limit: 1 })
    const app = limited({ cache, name: 'day', limit: 100, period: '1d' }, ({ url }) => minute.request(url))
    const [passed, refused] = [await app.request('/'), await app.request('/')]
    for (const answer of [passed, refused]) {
      expect(members(answer, 'ratelimit-policy')).toEqual([
        ['day', { q: 100, w: 86_400 }],
        ['minute', { q: 1, w: 60 }],
      ])
    }
    expect([members(passed, 'ratelimit'), members(refused, 'ratelimit')]).toMatchObject([
      [
        ['day', { r: 99 }],
        ['minute', { r: 0 }],
      ],
      [
        ['day', { r: 98 }],
        ['minute', { r: 0 }],
      ],
    ])
    expect(await refused.json()).toMatchObject({ 'violated-policies': ['minute'] })
  })

  it('are omitted with headers: false, but Retry-After is not', async () => {
    const own = new Response('welcome')
    const app = limited({ cache, headers: false, limit: 1 }, () => own)
    const [passed, refused] = [await app.request('/'), await app.request('/')]
    expect(passed).toBe(own)
    for (const answer of [passed, refused]) {
      expect([answer.headers.has('ratelimit'), answer.headers.has('ratelimit-policy')]).toEqual([false, false])
    }
    expect(refused.headers.has('retry-after')).toBe(true)
  })
})

describe('the response of the handler', () => {
  it.each<[string, () => Response | Promise<Response>]>([
    ['a plain response', () => new Response('plain', { headers: { 'x-own': 'kept' }, statusText: 'Fine' })],
    ['a redirect, whose headers are immutable', () => Response.redirect('https://example.com/', 302)],
    ['the response of fetch, whose headers are immutable', async () => fetch(await startServer())],
    ['an empty response', () => new Response(null, { status: 204 })],
    ['a 304', () => new Response(null, { status: 304, headers: { etag: '"1"' } })],
    ['a stream', () => new Response(new Blob(['streamed']).stream())],
    [
      'the response of a proxy',
      () => new Response('', { headers: { ratelimit: '"origin";r=1', 'ratelimit-policy': '"origin";q=2' } }),
    ],
  ])('gets the headers and is otherwise the same: %s', async (_name, handler) => {
    const [plain, answer] = [await handler(), await limited({ cache }, handler).request('/')]
    expect([answer.status, answer.statusText]).toEqual([plain.status, plain.statusText])
    expect(members(answer, 'ratelimit')).toMatchObject([['two', { r: 1 }], ...members(plain, 'ratelimit')])
    for (const name of ['x-own', 'location', 'content-type', 'etag']) {
      expect(answer.headers.get(name)).toBe(plain.headers.get(name))
    }
    expect(await answer.text()).toBe(await plain.text())
  })

  it('keeps its cookies', async () => {
    const headers = new Headers()
    for (const cookie of ['a=1; Path=/', 'b=2']) headers.append('set-cookie', cookie)
    const answer = await limited({ cache }, () => new Response('', { headers })).request('/')
    expect(answer.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2'])
  })

  it('is not changed itself, because it may answer many requests', async () => {
    const shared = new Response(null, { status: 204 })
    const app = limited({ cache }, () => shared)
    const answers = [await app.request('/'), await app.request('/')]
    for (const answer of answers) expect(members(answer, 'ratelimit')).toHaveLength(1)
    expect([...shared.headers]).toEqual([])
  })

  it.each<[string, () => Response | Promise<Response>]>([
    ['a protocol switch', () => withProperties(new Response(null), { status: 101 })],
    ['a socket of workerd', () => withProperties(new Response(null), { webSocket: {} })],
    ['a network error', () => Response.error()],
    ['a status that new Response does not accept', () => withProperties(new Response(''), { status: 600 })],
    ['one that has been written', () => new Response(null, { headers: { 'x-hono-already-sent': 'true' } })],
    ['one whose body has been read', () => read(new Response('body'))],
    ['one whose body is being read', () => lock(new Response('body'))],
    ['nothing', () => undefined as never],
  ])('is passed on untouched if it cannot be copied: %s', async (_name, make) => {
    const own = await make()
    const fields = own && [...own.headers]
    expect(await limited({ cache }, () => own).request('/')).toBe(own)
    expect(own && [...own.headers]).toEqual(fields)
  })

  it('is passed on if it is thrown', async () => {
    const thrown = new Response(null, { status: 404 })
    const failing = [() => Promise.reject(thrown), () => throwIt(thrown)]
    for (const handler of failing) await expect(limited({ cache }, handler).request('/')).rejects.toBe(thrown)
  })
})

describe('a refused request', () => {
  it('gets a 429 with problem details and no-store', async () => {
    const answer = await make({ limit: 0 }).request('/')
    expect(answer.status).toBe(429)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Too many requests',
      status: 429,
      'violated-policies': ['two'],
    })
  })

  it('gets the response of onLimit, which receives the count', async () => {
    const onLimit = vi.fn<NonNullable<RateLimitOptions<Args>['onLimit']>>(() => new Response('slow', { status: 503 }))
    const answer = await make({ limit: 0, onLimit }).request('/')
    expect([answer.status, await answer.text()]).toEqual([503, 'slow'])
    expect(answer.headers.get('retry-after')).toMatch(/^(?:60|5\d)$/)
    expect(members(answer, 'ratelimit')).toMatchObject([['two', { r: 0 }]])
    expect(onLimit.mock.lastCall?.[0]).toMatchObject({
      allowed: false,
      count: 1,
      remaining: 0,
      resetAt: expect.any(Date),
    })
  })

  it('may get a redirect, which keeps its own Retry-After', async () => {
    const redirect = make({ limit: 0, onLimit: () => Response.redirect('https://example.com/slow', 302) })
    expect((await redirect.request('/')).headers.get('location')).toBe('https://example.com/slow')
    const headers = { 'retry-after': '7200' }
    const own = make({ limit: 0, onLimit: () => new Response('', { status: 429, headers }) })
    expect((await own.request('/')).headers.get('retry-after')).toBe('7200')
  })

  it('may get one response object for all requests', async () => {
    const shared = new Response(null, { status: 429 })
    const app = make({ limit: 0, onLimit: () => shared })
    for (let i = 0; i < 2; i++) expect(members(await app.request('/'), 'ratelimit')).toHaveLength(1)
    expect([...shared.headers]).toEqual([])
  })

  it('gets a response that cannot be copied untouched', async () => {
    const own = Response.error()
    expect(await make({ limit: 0, onLimit: () => own }).request('/')).toBe(own)
  })
})

/** A server whose response has immutable headers in `fetch`. */
async function startServer(): Promise<string> {
  const server = createServer((_request, response) => response.setHeader('x-own', 'kept').end('remote'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** Node's `Response` cannot be constructed with these. */
function withProperties(response: Response, properties: object): Response {
  for (const [name, value] of Object.entries(properties)) Object.defineProperty(response, name, { value })
  return response
}

async function read(response: Response): Promise<Response> {
  await response.text()
  return response
}

function lock(response: Response): Response {
  response.body?.getReader()
  return response
}

function throwIt(value: unknown): never {
  throw value
}
