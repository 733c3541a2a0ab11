import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { brief, createApp, createSite, emptied, type Site, stored } from '../hono/app.ts'
import { answered, POST } from './posts.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

describe('with outer middleware, the answer to a POST', () => {
  it('is stored without the middleware’s cookie, which every client gets', async () => {
    let count = 0
    const { fetch, calls } = createApp(
      site,
      () => answered(),
      { storePost: true },
      {
        before: [
          async (c, next) => {
            c.header('set-cookie', `session=${count++}`)
            await next()
          },
        ],
      },
    )
    for (const how of ['fwd=method;stored', 'hit']) {
      const response = await fetch('/a', how === 'hit' ? {} : POST)
      expect([brief(response), response.headers.getSetCookie()]).toEqual([how, [`session=${count - 1}`]])
    }
    expect(calls).toHaveLength(1)
  })

  it('is not stored if the handler and the middleware set cookies', async () => {
    const { fetch } = createApp(
      site,
      () => answered({ 'set-cookie': 'own=1' }),
      { storePost: true },
      {
        before: [
          async (c, next) => {
            // Hono drops the cookies of a response that replaces one with cookies.
            c.res.headers.append('set-cookie', 'session=1')
            await next()
          },
        ],
      },
    )
    const response = await fetch('/a', POST)
    expect([brief(response), response.headers.getSetCookie()]).toEqual(['fwd=method', ['session=1', 'own=1']])
    expect(await stored(site)).toEqual([])
  })

  it('is not stored if the middleware answered before the claim', async () => {
    const { fetch } = createApp(
      site,
      () => new Response('late'),
      { storePost: true },
      {
        before: [
          async (c, next) => {
            c.res = answered()
            await next()
          },
        ],
      },
    )
    const response = await fetch('/a', POST)
    expect([brief(response), await response.text()]).toEqual(['fwd=method', 'posted'])
    expect(await stored(site)).toEqual([])
  })
})
