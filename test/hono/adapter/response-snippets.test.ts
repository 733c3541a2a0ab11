import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { sql } from 'drizzle-orm'
import { beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { inFrontOf } from '../../../docs/snippets/http/legacy.ts'
import { accounts } from '../../../docs/snippets/http/per-user.ts'
import { newTemplate, rename, withPurgeRoute } from '../../../docs/snippets/http/purge.ts'
import worker from '../../../docs/snippets/http/worker.ts'
import { cleanup } from '../../setup/cleanup.ts'
import { eventually } from '../../setup/eventually.ts'
import { age, brief, createApp, createSite, emptied, ownCache, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
  await site.db.execute(sql`create table posts (id int primary key, title text not null)`)
})
beforeEach(() => emptied(site))

it('worker.ts serves a stale response at once, and refreshes it in the background', async () => {
  const background: Promise<unknown>[] = []
  const context = {
    waitUntil: (work: Promise<unknown>) => void background.push(work),
    passThroughOnException() {},
    props: {},
  }
  const ask = async () => {
    const response = await worker.request(
      'https://example.com/report',
      {},
      { DATABASE_URL: site.server.connectionString },
      context,
    )
    const text = await response.text()
    while (background.length > 0) await Promise.all(background.splice(0))
    return [text, brief(response)]
  }
  const [first, stored] = await ask()
  expect(stored).toBe('fwd=uri-miss;stored')
  await age(site, 70_000)
  expect(await ask()).toEqual([first, 'hit'])
  const [second] = await ask()
  expect(second).not.toBe(first)
})

it('node.ts and vercel.ts serve misses and then hits', async () => {
  vi.stubEnv('DATABASE_URL', `postgres://${site.database.split('://')[1]}`)
  vi.stubEnv('PORT', '0')
  const { db, server } = await import('../../../docs/snippets/http/node.ts')
  cleanup(() => db.$client.end())
  cleanup(() => new Promise((resolve) => server.close(resolve)))
  await eventually(() => expect(server.listening).toBe(true))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/report`
  const first = await (await fetch(url)).text()
  await eventually(async () => expect(brief(await fetch(url))).toBe('hit'))
  expect(await (await fetch(url)).text()).toBe(first)

  vi.stubEnv('DATABASE_URL', site.server.connectionString)
  const { GET } = await import('../../../docs/snippets/http/vercel.ts')
  const ask = () => GET(new Request('https://example.com/api/report'))
  const report = await (await ask()).text()
  const hit = await ask()
  expect([await hit.text(), brief(hit)]).toEqual([report, 'hit'])
  vi.unstubAllEnvs()
})

it('legacy.ts stores and validates an origin’s responses, and serves them if the origin is unreachable', async () => {
  const asked: (string | undefined)[] = []
  const origin = serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request: Request) {
      const tag = request.headers.get('if-none-match') ?? undefined
      asked.push(tag)
      const headers = {
        etag: '"1"',
        'cache-control': 'max-age=60',
        'x-host': request.headers.get('x-forwarded-host') ?? '',
      }
      if (new URL(request.url).pathname === '/moved')
        return new Response(null, { status: 301, headers: { ...headers, location: '/new' } })
      return tag === '"1"' ? new Response(null, { status: 304, headers }) : new Response('legacy page', { headers })
    },
  })
  await eventually(() => expect(origin.listening).toBe(true))
  const app = inFrontOf(`http://127.0.0.1:${(origin.address() as AddressInfo).port}`, ownCache(site))
  app.onError((_error, c) => c.text('no origin', 502))
  const ask = async (path: string) => {
    const response = await app.request(`https://example.com${path}`)
    return [response.status, await response.text(), brief(response)]
  }
  expect(await ask('/page')).toEqual([200, 'legacy page', 'fwd=uri-miss;stored'])
  expect(await ask('/page?utm_source=x')).toEqual([200, 'legacy page', 'hit'])
  expect(await ask('/moved')).toEqual([301, '', 'fwd=uri-miss;stored'])
  await age(site, 70_000)
  expect(await ask('/page')).toEqual([200, 'legacy page', 'fwd=stale;fwd-status=304;stored'])
  expect(asked).toEqual([undefined, undefined, '"1"'])
  await new Promise((resolve) => origin.close(resolve))
  await age(site, 70_000)
  expect((await ask('/page')).slice(0, 2)).toEqual([200, 'legacy page'])
})

it('per-user.ts separates the responses of users', async () => {
  const balances: Record<string, number> = { ann: 1, bob: 2 }
  const cache = ownCache(site)
  const app = accounts(
    cache,
    (token) => ({ a: 'ann', b: 'bob' })[token],
    async (user) => balances[user] ?? 0,
  )
  const ask = async (token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await app.request('https://example.com/balance', { headers })
    return [response.status, await response.text()]
  }
  for (const _ of ['miss', 'hit']) {
    expect(await ask('a')).toEqual([200, '{"balance":1}'])
    expect(await ask('b')).toEqual([200, '{"balance":2}'])
    for (const nobody of [undefined, 'x']) expect((await ask(nobody))[0]).toBe(401)
  }
  Object.assign(balances, { ann: 10, bob: 20 })
  await cache.invalidate('user:ann')
  expect([await ask('a'), await ask('b')]).toEqual([
    [200, '{"balance":10}'],
    [200, '{"balance":2}'],
  ])
})

it('per-user.ts adds no tag to the responses of anonymous clients', async () => {
  const cache = ownCache(site)
  const app = accounts(
    cache,
    () => undefined,
    async () => 0,
  )
  app.get('/news', (c) => c.text('news', 200, { 'cache-control': 'max-age=60' }))
  const ask = async () => brief(await app.request('https://example.com/news'))
  expect(await ask()).toBe('fwd=uri-miss;stored')
  await eventually(async () => expect(await ask()).toBe('hit'))
  await cache.invalidate('user:undefined')
  expect(await ask()).toBe('hit')
})

it('purge.ts purges in the transaction of its write, softly, and over HTTP', async () => {
  const cache = ownCache(site)
  const { fetch } = createApp(
    site,
    (c) => c.text('post', 200, { 'cache-control': 'max-age=60', 'cache-tag': 'posts', etag: '"1"' }),
    { cache },
  )
  for (const id of [1, 2]) await fetch(`/posts/${id}`)
  await rename(site.db, 1, 'New')
  expect(await stored(site)).toHaveLength(1)
  expect(await newTemplate(cache)).toBe(1)
  expect(brief(await fetch('/posts/2'))).toBe('fwd=stale;stored')
  const secret = 'a-secret-of-this-test'
  const response = await withPurgeRoute(cache, secret).request('/purge', {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}` },
    body: JSON.stringify({ tags: ['posts'] }),
  })
  expect(await response.json()).toEqual({ purged: 0 })
  expect(brief(await fetch('/posts/2'))).not.toBe('hit')
})
