/** The requests that handlers get, and the functions that platforms call. */
import { type ResponseCacheOptions, withResponseCache } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createSite, emptied, ownCache, type Site } from '../hono/app.ts'

const URL_OF_ALL = 'https://example.com/'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

/** An object that only resembles a Request, as srvx creates on Node. The constructor of Request refuses it. */
function lookalike(headers: Record<string, string>): Request {
  const request = new Request(URL_OF_ALL, { headers })
  const fields = ['url', 'method', 'headers', 'signal'].map((name) => [name, { get: () => Reflect.get(request, name) }])
  const own = { ip: { get: () => '192.0.2.1' }, runtime: { value: { name: 'node' } } }
  return Object.create(Request.prototype, { ...Object.fromEntries(fields), ...own })
}

const stale = { 'cache-control': 'max-age=60, stale-while-revalidate=3600' }

describe('a handler behind the cache', () => {
  it('gets a copy of a request object of another class, with all properties that its server added', async () => {
    const seen: Request[] = []
    const handle = withResponseCache(
      (request: Request) => {
        seen.push(request)
        return new Response('page', { headers: stale })
      },
      { cache: ownCache(site), waitUntil: (work) => void background.push(work) },
    )
    const background: Promise<unknown>[] = []
    const ask = async () => {
      const response = await handle(lookalike({ 'if-none-match': '"1"', 'x-kept': 'yes' }))
      await response.text()
      await Promise.all(background.splice(0))
      return brief(response)
    }
    expect(() => new Request(lookalike({}))).toThrow()
    expect(await ask()).toBe('fwd=uri-miss;stored')
    await age(site, 70_000)
    expect([await ask(), await ask()]).toEqual(['hit', 'hit'])
    expect(seen).toHaveLength(2)
    for (const request of seen) {
      expect(Object.fromEntries(request.headers)).toEqual({ 'x-kept': 'yes' })
      expect(request).toMatchObject({ url: URL_OF_ALL, method: 'GET', ip: '192.0.2.1', runtime: { name: 'node' } })
    }
  })

  it('refreshes in the request that waits for it with `waitUntil: false`, whatever its arguments offer', async () => {
    let count = 0
    const handle = withResponseCache(
      (_request: Request, _context: { waitUntil(): void }) => new Response(`page ${++count}`, { headers: stale }),
      { cache: ownCache(site), waitUntil: false },
    )
    const context = {
      waitUntil() {
        throw new Error('Expected no work in the background.')
      },
    }
    const ask = async () => {
      const response = await handle(new Request(URL_OF_ALL), context)
      return [brief(response), await response.text()]
    }
    expect(await ask()).toEqual(['fwd=uri-miss;stored', 'page 1'])
    await age(site, 70_000)
    expect(await ask()).toEqual(['fwd=stale;stored', 'page 2'])
    expect(await ask()).toEqual(['hit', 'page 2'])
  })
})

describe('the function around a handler', () => {
  const options: ResponseCacheOptions<[Request, ...unknown[]]> = { cache: () => ownCache(site) }

  // `Deno.serve` passes no request to a function without parameters.
  it.each([
    [1, () => new Response()],
    [1, (_request: Request) => new Response()],
    [2, (_request: Request, _info: unknown) => new Response()],
  ])('has %i parameters', (length, handler) => {
    expect(withResponseCache(handler, options)).toHaveLength(length)
  })

  it('refuses a `waitUntil` that is neither a function nor false', () => {
    const waitUntil = true as unknown as false
    expect(() => withResponseCache(() => new Response(), { ...options, waitUntil })).toThrow(/waitUntil/)
  })
})
