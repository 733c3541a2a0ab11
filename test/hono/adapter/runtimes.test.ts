import { cp } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { EdgeRuntime } from 'edge-runtime'
import { Hono } from 'hono'
import { Miniflare } from 'miniflare'
import type { Cache } from 'pgstash'
import { addressKey, rateLimit } from 'pgstash/hono'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { bundleForEdge } from '../../package/bundle.ts'
import { install, linkPackages, pack, ROOT } from '../../package/packed.ts'
import { counters, createStash, members, PATIENCE_MS } from '../../rate-limit/limits.ts'
import { cleanup } from '../../setup/cleanup.ts'
import { createDatabase } from '../../setup/databases.ts'
import { eventually } from '../../setup/eventually.ts'
import { advance } from '../../setup/postgres-store.ts'

const REQUESTS = 200
const LIMIT = 50

let stash: Awaited<ReturnType<typeof createStash>>
let cache: Cache
let folder: string
let env: { ENDPOINT: string; DATABASE_URL: string }

beforeAll(async () => {
  stash = await createStash(await createDatabase())
  cache = stash.cache
  await migrate(stash.db)
  env = { ENDPOINT: stash.server.endpoint, DATABASE_URL: stash.server.connectionString }
  folder = await install(await pack())
  await linkPackages(folder, ['@neondatabase/serverless', 'hono'])
  await cp(join(ROOT, 'test/hono/worker.ts'), join(folder, 'worker.ts'))
})

beforeEach(async () => {
  await cache.clear()
  stash.faults.reset()
})

/** Sends 200 requests at once, and expects 50 to pass. */
async function expectExactly(send: () => Promise<Response>): Promise<void> {
  stash.faults.reset()
  const answers = await Promise.all(Array.from({ length: REQUESTS }, send))
  const counts = { passed: 0, refused: 0 }
  for (const answer of answers) {
    const body = await answer.text()
    if (answer.status === 200 && body === 'welcome') counts.passed++
    else if (answer.status === 429 && answer.headers.has('retry-after')) counts.refused++
    expect(members(answer, 'ratelimit-policy')).toEqual([['50-per-60s', { q: LIMIT, w: 60 }]])
  }
  expect(counts).toEqual({ passed: LIMIT, refused: REQUESTS - LIMIT })
  expect(stash.faults.requests).toBe(REQUESTS)
}

describe('in Node, over HTTP', () => {
  it('allows exactly 50 of 200 parallel requests from one address', async () => {
    const key = vi.fn((c) => addressKey(getConnInfo(c).remote.address))
    const app = new Hono()
      .use(rateLimit({ cache, limit: LIMIT, period: '1m', key, timeout: PATIENCE_MS }))
      .get('/', (c) => c.text('welcome'))
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
    cleanup(() => server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    // The count ignores all headers in which a client states its address.
    let forged = 0
    const headers = () => ({ 'x-forwarded-for': `198.51.100.${forged++}`, 'cf-connecting-ip': '198.51.100.1' })
    const { port } = server.address() as AddressInfo
    await expectExactly(() => fetch(`http://127.0.0.1:${port}/`, { headers: headers() }))
    expect(await counters(cache)).toEqual(['rate-limit:50-per-60s:127.0.0.1'])
  })
})

describe('in workerd', () => {
  let url: string

  beforeAll(async () => {
    const contents = await bundleForEdge({ entry: `export { default } from './worker.ts'`, folder })
    const miniflare = new Miniflare({
      modules: [{ type: 'ESModule', path: 'worker.mjs', contents }],
      compatibilityDate: '2026-04-01',
      bindings: env,
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    })
    cleanup(() => miniflare.dispose())
    await miniflare.ready
    url = (await miniflare.unsafeGetDirectURL()).href.replace(/\/$/, '')
  })

  it('allows exactly 50 of 200 parallel requests from one network', async () => {
    let client = 0
    const headers = () => ({ 'cf-connecting-ip': `2001:db8:1:2::${client++}` })
    await expectExactly(() => fetch(`${url}/limited`, { headers: headers() }))
    expect(await counters(cache)).toEqual(['rate-limit:50-per-60s:2001:db8:1:2::/64'])
  })

  it('serves stale pages to 20 concurrent requests at once, and refreshes them after the response', async () => {
    const page = async (value: string) => (await fetch(`${url}/page/${value}`)).text()
    await cache.set('may compute', 1)
    expect(await page('old')).toBe('old')
    await advance(stash.db, 61_000)
    await cache.delete('may compute')
    expect(await Promise.all(Array.from({ length: 20 }, () => page('new')))).toEqual(Array(20).fill('old'))
    await cache.set('may compute', 1)
    await eventually(async () => expect(await cache.get('page')).toBe('new'))
    expect(await page('newer')).toBe('new')
  })
})

describe('on edge-runtime', () => {
  it('allows exactly 50 of 200 parallel requests from one address', async () => {
    const entry = `import app from './worker.ts'
      addEventListener('fetch', (event) => event.respondWith(app.fetch(event.request, globalThis.env)))`
    const initialCode = await bundleForEdge({ entry, folder, format: 'iife' })
    const runtime = new EdgeRuntime({ initialCode, extend: (context) => Object.assign(context, { env }) })
    const headers = { 'cf-connecting-ip': '192.0.2.1' }
    await expectExactly(() => runtime.dispatchFetch('https://example.com/limited', { headers }) as Promise<Response>)
  })
})
