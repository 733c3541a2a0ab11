/** Applications below `app.mount`, which hides the path of the mount from them. */
import { Hono } from 'hono'
import type { Cache } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { absolute, brief, createSite, emptied, fresh, ownCache, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

/** An application that returns its name and the URL that it sees. */
function named(name: string, cache?: Cache) {
  const app = new Hono()
  if (cache !== undefined) app.use(responseCache({ cache }))
  app.all('*', (c) => c.text(`${name} at ${c.req.path}`, 200, fresh))
  return app
}

async function ask(app: Hono, path: string, method = 'GET') {
  const response = await app.request(absolute(path), { method })
  return [await response.text(), brief(response)]
}

describe('two applications below app.mount', () => {
  it('share nothing behind a cache in front of both, and can be purged separately', async () => {
    const app = new Hono()
    app.use(responseCache({ cache: ownCache(site) }))
    app.mount('/shop', named('shop').fetch)
    app.mount('/blog', named('blog').fetch)
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      expect(await ask(app, '/shop/a')).toEqual(['shop at /a', how])
      expect(await ask(app, '/blog/a')).toEqual(['blog at /a', how])
    }
    await ask(app, '/shop/a', 'POST')
    expect([(await ask(app, '/shop/a'))[1], (await ask(app, '/blog/a'))[1]]).toEqual(['fwd=uri-miss;stored', 'hit'])
  })

  it('share nothing if each has a cache with its own namespace', async () => {
    const cache = ownCache(site)
    const app = new Hono()
    app.mount('/shop', named('shop', cache.namespace('shop')).fetch)
    app.mount('/blog', named('blog', cache.namespace('blog')).fetch)
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      expect(await ask(app, '/shop/a')).toEqual(['shop at /a', how])
      expect(await ask(app, '/blog/a')).toEqual(['blog at /a', how])
    }
    await ask(app, '/shop/a', 'POST')
    expect((await ask(app, '/blog/a'))[1]).toBe('hit')
  })

  it('share nothing if the key option separates them', async () => {
    const cache = ownCache(site)
    const app = new Hono()
    for (const name of ['shop', 'blog']) {
      const mounted = new Hono()
      mounted.use(responseCache({ cache, key: () => name }))
      mounted.get('*', (c) => c.text(name, 200, fresh))
      app.mount(`/${name}`, mounted.fetch)
    }
    for (const name of ['shop', 'blog']) expect(await ask(app, `/${name}/a`)).toEqual([name, 'fwd=uri-miss;stored'])
    expect(await stored(site)).toHaveLength(2)
  })
})

describe('two applications below app.route', () => {
  it('share nothing, because they see the whole URL', async () => {
    const cache = ownCache(site)
    const app = new Hono()
    app.route('/shop', named('shop', cache))
    app.route('/blog', named('blog', cache))
    for (const how of ['fwd=uri-miss;stored', 'hit']) {
      expect(await ask(app, '/shop/a')).toEqual(['shop at /shop/a', how])
      expect(await ask(app, '/blog/a')).toEqual(['blog at /blog/a', how])
    }
  })
})
