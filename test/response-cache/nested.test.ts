/** Nested response caches, and arguments that are not requests. */
import { Hono } from 'hono'
import { InvalidKeyError, InvalidOptionError } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { brief, createSite, emptied, ownCache, type Site, stored } from '../hono/app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const page = () => new Response('page', { headers: { 'content-type': 'text/plain', 'cache-control': 'max-age=60' } })

describe('two nested response caches store only in the outer one', () => {
  it('in Hono, even if they have different caches', async () => {
    const cache = ownCache(site)
    const app = new Hono()
    app.use(responseCache({ cache: cache.namespace('outer') }))
    app.use(responseCache({ cache: cache.namespace('inner') }))
    app.get('*', page)
    const response = await app.request('https://example.com/a')
    expect([brief(response), await response.text()]).toEqual(['fwd=uri-miss;stored', 'page'])
    expect(await stored(site)).toEqual([expect.stringMatching(/^outer\|/)])
  })

  it('around a handler', async () => {
    const cache = ownCache(site)
    const inner = withResponseCache(page, { cache: cache.namespace('inner') })
    const outer = withResponseCache(inner, { cache: cache.namespace('outer') })
    for (const expected of ['fwd=uri-miss;stored', 'hit']) {
      const response = await outer(new Request('https://example.com/a', { headers: { 'if-none-match': '"0"' } }))
      expect([brief(response), await response.text()]).toEqual([expected, 'page'])
    }
    expect(await stored(site)).toEqual([expect.stringMatching(/^outer\|/)])
  })

  it('unless the outer one bypasses a request, which the inner one then stores', async () => {
    const cache = ownCache(site)
    const app = new Hono()
    app.use(responseCache({ cache: cache.namespace('outer'), exclude: ['/a'] }))
    app.use(responseCache({ cache: cache.namespace('inner') }))
    app.get('*', page)
    await (await app.request('https://example.com/a')).text()
    expect(await stored(site)).toEqual([expect.stringMatching(/^inner\|/)])
  })
})

describe('a bug in the program', () => {
  it.each([
    ['a Hono context', { req: {} }],
    ['a request of node:http', { url: '/a', headers: {} }],
    ['nothing', undefined],
  ])('is an error that names the solution: %s in place of a request', async (_name, request) => {
    const handle = withResponseCache(page, { cache: ownCache(site) })
    const call = handle(request as unknown as Request)
    await expect(call).rejects.toThrow(InvalidOptionError)
    await expect(call).rejects.toThrow('Expected a Request as the first argument')
  })

  it('is an error before the response is sent: an empty tag', async () => {
    const handle = withResponseCache(page, { cache: ownCache(site), tags: ({ url }) => [url] })
    await expect(handle(new Request('https://example.com/a'))).rejects.toThrow(InvalidKeyError)
  })

  it('is not reported for numbers and null as user names', async () => {
    const user = (request: Request) => Number(request.headers.get('x-user')) || null
    const handle = withResponseCache(page, { cache: ownCache(site), authenticated: user })
    for (const name of ['1', '2', '']) {
      await (await handle(new Request('https://example.com/a', { headers: { 'x-user': name } }))).text()
    }
    expect(await stored(site)).toHaveLength(3)
  })
})
