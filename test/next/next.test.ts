import { drizzle } from 'drizzle-orm/node-postgres'
import { type Cache, createCache } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { describeCachedRoutes } from './cached-routes.ts'
import { type App, createApp, type Site } from './next-app.ts'

/** Builds share two cores with other tests. */
const BUILD_MS = 600_000

const SECRETS = { CRON_SECRET: 'the-secret-of-the-test', ADMIN_PASSWORD: 'a password of the test' }

/** Nothing listens here, as in the build of an app that is deployed elsewhere. */
const NOWHERE = {
  KNOWN_DATABASE_URL: 'postgresql://ada:secret@nowhere.invalid/shop',
  NEON_FETCH_ENDPOINT: 'http://127.0.0.1:9/sql',
}

const SNIPPETS = {
  'next/cache.ts': 'lib/cache.js',
  'next/page.tsx': 'app/report/page.js',
  'next/route.ts': 'app/api/report/route.js',
  'next/cached-route.ts': 'app/api/cached/[name]/route.js',
  'next/cleanup.ts': 'app/api/cleanup/route.js',
  'next/actions.ts': 'app/visits/actions.js',
  'next/proxy.ts': 'proxy.js',
  'admin/next.ts': 'app/cache/[[...page]]/route.js',
}

interface Running {
  readonly app: App
  readonly site: Site
  /** Reads the database directly. */
  readonly cache: Cache
}

async function createVariables() {
  const database = await createDatabase()
  const local = await startLocalNeon({ database })
  cleanup(() => local.close())
  const db = drizzle(createPool(database))
  await migrate(db)
  const { connectionString, endpoint } = local
  const variables = {
    DATABASE_URL: connectionString,
    KNOWN_DATABASE_URL: connectionString,
    NEON_FETCH_ENDPOINT: endpoint,
  }
  return { cache: createCache(db, { timeout: 60_000 }), variables }
}

async function built(app: App, variables: Record<string, string>): Promise<void> {
  const { code, output } = await app.build(variables)
  if (code !== 0) throw new Error(`next build ended with ${code}: ${output}`)
}

/** Each page computes a random value, so equal answers come from the cache. */
async function expectFreshFromCache({ site, cache }: Running, path: string): Promise<void> {
  await cache.clear()
  const [miss, hit] = [await site.read(path), await site.read(path)]
  expect(hit).toBe(miss)
  await cache.clear()
  expect(await site.read(path)).not.toBe(miss)
}

/** Rules for every app, however it was built. */
function describeSite(running: () => Running) {
  it.each(['/report', '/suspense', '/cookies'])(
    'serves %s from the cache, with the current entries of the cache',
    async (path) => {
      await expectFreshFromCache(running(), path)
    },
  )

  it('shows each user only their own content on a page that reads cookies', async () => {
    const { site } = running()
    const [ada, bob] = [await site.read('/cookies', withUser('ada')), await site.read('/cookies', withUser('bob'))]
    expect(ada).toMatch(/^cart of ada/)
    expect(bob).toMatch(/^cart of bob/)
    expect(await site.read('/cookies', withUser('ada'))).toBe(ada)
  })

  it('serves a route handler from the cache', async () => {
    const { site, cache } = running()
    await cache.clear()
    const read = async () => (await site.fetch('/api/report')).json()
    const computed = await read()
    expect(computed).toEqual({ madeAt: expect.any(String) })
    expect(await read()).toEqual(computed)
  })

  it('runs the calls of a page at each request, and never during the build', async () => {
    const { site, cache } = running()
    await cache.clear()
    const ask = async () => JSON.parse(await site.read('/operations'))
    const answer = (views: number, before: string) => {
      const now = `view ${views}`
      const many = { 'operations:key': now }
      return { views, before, after: now, sliding: now, many, has: true, limit: views, early: 'early' }
    }
    expect(await ask()).toEqual(answer(1, 'nothing'))
    expect(await ask()).toEqual(answer(2, 'view 1'))
  })

  it('counts in a server action', async () => {
    const { site, cache } = running()
    await cache.delete('visits')
    const page = await (await site.fetch('/visits')).text()
    const [, action = ''] = /name="(\$ACTION_ID_\w+)"/.exec(page) ?? []
    const body = new FormData()
    body.set(action, '')
    const headers = { origin: site.url }
    expect(await site.read('/visits', { method: 'POST', body, headers })).toBe('visits: 1')
    expect(await cache.get('visits')).toBe(1)
  })

  it('limits requests in the proxy', async () => {
    const { site } = running()
    const remaining = async () =>
      Number((await site.fetch('/api/report', { headers: { 'x-real-ip': '::1' } })).headers.get('x-remaining'))
    const first = await remaining()
    expect(await remaining()).toBe(first - 1)
  })

  it('reads a memory cache after connection()', async () => {
    const { site } = running()
    expect([await site.read('/memory'), await site.read('/memory')]).toEqual([
      'view 1 of this process',
      'view 2 of this process',
    ])
  })

  it('cleans up for a scheduler that knows the secret', async () => {
    const { site, cache } = running()
    await cache.clear()
    const ask = (secret: string) => site.fetch('/api/cleanup', { headers: { authorization: `Bearer ${secret}` } })
    expect((await ask('another')).status).toBe(401)
    const answer = await ask(SECRETS.CRON_SECRET)
    expect([answer.status, await answer.json()]).toEqual([200, { removed: 0, more: false }])
  })

  describeCachedRoutes(() => running().app)

  it('shows the admin pages only with the password', async () => {
    const { site } = running()
    const authorization = `Basic ${btoa(`ada:${SECRETS.ADMIN_PASSWORD}`)}`
    expect((await site.fetch('/cache/overview')).status).toBe(401)
    expect((await site.fetch('/cache/overview', { headers: { authorization } })).status).toBe(200)
  })
}

const withUser = (user: string) => ({ headers: { cookie: `user=${user}` } })

describe('an app with cacheComponents, built with its database', () => {
  let running: Running
  let keysAfterBuild: string[]

  beforeAll(async () => {
    const app = await createApp(['both', 'components'], {
      ...SNIPPETS,
      'next/cached-page.tsx': 'app/cached/page.js',
    })
    const { cache, variables } = await createVariables()
    await built(app, variables)
    keysAfterBuild = (await cache.list()).entries.map(({ key }) => key)
    running = { app, site: await app.start({ ...variables, ...SECRETS }), cache }
  }, BUILD_MS)

  it('stores during the build only cached scopes and lists of pages', () => {
    expect(keysAfterBuild.sort()).toEqual(['cached report', 'product ids'])
  })

  it('keeps a value in a "use cache" scope until Next revalidates it', async () => {
    const { site, cache } = running
    const kept = await site.read('/cached')
    await cache.clear()
    expect(await site.read('/cached')).toBe(kept)
    await site.fetch('/revalidate', { method: 'POST' })
    expect(await site.read('/cached')).not.toBe(kept)
  })

  it.each(['/blocking', '/products/1', '/products/3'])('serves %s from the cache', async (path) => {
    await expectFreshFromCache(running, path)
  })

  describeSite(() => running)
})

describe('an app without cacheComponents, built without a database, its variable or its secrets', () => {
  let running: Running

  beforeAll(async () => {
    const app = await createApp(['both', 'classic'], {
      ...SNIPPETS,
      'next/dynamic-page.tsx': 'app/dashboard/page.js',
      'next/regenerated-page.tsx': 'app/articles/[id]/page.js',
    })
    await built(app, NOWHERE)
    const { cache, variables } = await createVariables()
    running = { app, site: await app.start({ ...variables, ...SECRETS }), cache }
  }, BUILD_MS)

  it.each(['/dashboard', '/plain'])('serves %s from the cache, with the current entries of the cache', async (path) => {
    await expectFreshFromCache(running, path)
  })

  it.each(['/articles/1', '/unstable'])('keeps %s until Next regenerates it', async (path) => {
    const { site, cache } = running
    const kept = await site.read(path)
    await cache.clear()
    expect(await site.read(path)).toBe(kept)
  })

  describeSite(() => running)
})

describe('a build with cacheComponents is refused with Next’s own message,', () => {
  let output: string

  beforeAll(async () => {
    const app = await createApp(['both', 'refused'], SNIPPETS)
    output = (await app.build(NOWHERE)).output
  }, BUILD_MS)

  it('for a page that reads the cache outside of Suspense', () => {
    expect(output).toContain('Route "/uncached": Next.js encountered uncached or runtime data during prerendering')
  })

  it('for a page that reads a memory cache, whose value would be frozen', () => {
    expect(output).toContain('Route "/near": Next.js encountered the unstable value `Date.now()` while prerendering')
  })

  it('and for no other page', () => {
    expect([...output.matchAll(/Error occurred prerendering page "(.*?)"/g)].map(([, page]) => page).sort()).toEqual([
      '/near',
      '/uncached',
    ])
  })
})
