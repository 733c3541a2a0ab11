/**
 * The middleware in the runtimes that it targets: bundled in workerd and on edge-runtime, and on Node behind a real
 * server.
 */
import { cp } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { sql } from 'drizzle-orm'
import { EdgeRuntime } from 'edge-runtime'
import { Miniflare } from 'miniflare'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundleForEdge } from '../../package/bundle.ts'
import { install, linkPackages, pack, ROOT } from '../../package/packed.ts'
import { cleanup } from '../../setup/cleanup.ts'
import { eventually } from '../../setup/eventually.ts'
import { brief, createSite, emptied, heldLeases, type Site, times } from '../app.ts'

type Ask = (path: string, headers?: Record<string, string>, signal?: AbortSignal) => Promise<Response>

let site: Site
let folder: string
let env: { ENDPOINT: string; DATABASE_URL: string }

beforeAll(async () => {
  site = await createSite()
  env = { ENDPOINT: site.server.endpoint, DATABASE_URL: site.server.connectionString }
  folder = await install(await pack())
  await linkPackages(folder, ['@neondatabase/serverless', 'hono'])
  await cp(join(ROOT, 'test/package/probes'), join(folder, 'probes'), { recursive: true })
})
beforeEach(() => emptied(site))

const RUNTIMES: [string, () => Promise<Ask>][] = [
  ['in workerd, compatibility date 2024-06-01', () => inWorkerd('2024-06-01')],
  ['in workerd, compatibility date 2026-04-01', () => inWorkerd('2026-04-01')],
  ['on edge-runtime', onEdgeRuntime],
  ['on Node', onNode],
]

describe.each(RUNTIMES)('the response cache %s', (name, start) => {
  /** True if this runtime keeps work alive after a response. */
  const canWork = name !== 'on Node'
  let ask: Ask
  beforeAll(async () => {
    ask = await start()
  })

  it('answers a miss, a hit, a 304, HEAD fields and a range', async () => {
    const miss = await ask('/a')
    const body = await miss.text()
    const etag = miss.headers.get('etag') ?? ''
    await stored(1)
    const hit = await ask('/a')
    expect([brief(miss), brief(hit), await hit.text()]).toEqual(['fwd=uri-miss;stored', 'hit', body])
    const unchanged = await ask('/a', { 'if-none-match': etag })
    expect([unchanged.status, await unchanged.text()]).toEqual([304, ''])
    const part = await ask('/a', { range: 'bytes=0-3' })
    expect([part.status, await part.text()]).toEqual([206, 'made'])
  })

  it('serves a stale response, and refreshes it', async () => {
    const first = await (await ask('/a')).text()
    await stored(1)
    expect(await (await ask('/purge')).json()).toBe(1)
    const during = await (await ask('/a')).text()
    await eventually(async () => {
      const response = await ask('/a')
      expect([brief(response), (await response.text()) === first]).toEqual(['hit', false])
    })
    // If nothing keeps work alive after a response, the first request waits for the refresh itself.
    expect(during === first).toBe(canWork)
  })

  it('streams a response and stores it', async () => {
    expect(await (await ask('/stream')).text()).toBe('first second third')
    await stored(1)
    const hit = await ask('/stream')
    expect([brief(hit), await hit.text()]).toEqual(['hit', 'first second third'])
  })

  it('stores the bytes of chunks of every type', async () => {
    expect(await (await ask('/chunks')).text()).toBe('part part part text')
    await stored(1)
    const hit = await ask('/chunks')
    expect([brief(hit), await hit.text()]).toEqual(['hit', 'part part part text'])
  })

  it('gives every client the headers that outer middleware sets for it', async () => {
    for (const user of ['alice', 'bob']) {
      const response = await ask('/front', { 'x-user': user })
      expect(await response.text()).toBe('page')
      expect([response.headers.get('x-account'), response.headers.get('set-cookie')]).toEqual([user, `session=${user}`])
      expect(brief(response)).toBe(user === 'alice' ? 'fwd=uri-miss;stored' : 'hit')
      await stored(1)
    }
  })

  // Edge-runtime has no socket that a client could close.
  if (name !== 'on edge-runtime')
    it('stores nothing if the client disconnects, and blocks no other request', async () => {
      for (let i = 0; i < 2; i++) {
        const leaving = new AbortController()
        const response = await ask('/endless', {}, leaving.signal)
        expect(brief(response)).toBe('fwd=uri-miss;stored')
        const reader = (response.body as ReadableStream<Uint8Array>).getReader()
        expect(new TextDecoder().decode((await reader.read()).value)).toMatch(/^more /)
        leaving.abort()
        await expect(reader.read()).rejects.toThrow()
        await eventually(async () => expect(await heldLeases(site)).toEqual([]))
      }
      await stored(0)
    })

  it('answers 50 concurrent cold requests with one handler call', async () => {
    const responses = await Promise.all(times(50, () => ask('/slow')))
    const bodies = await Promise.all(responses.map((response) => response.text()))
    expect(responses.map(({ status }) => status)).toEqual(times(50, () => 200))
    expect(new Set(bodies).size).toBe(1)
  })

  it('answers 50 concurrent requests for a private response, each with its own', async () => {
    const responses = await Promise.all(times(50, (i) => ask(`/private?own=${i}`)))
    const same = await Promise.all(times(50, () => ask('/private?own=same')))
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(times(50, String))
    expect(same.map(({ status }) => status)).toEqual(times(50, () => 200))
  })
})

/** Resolves once this many responses are stored. */
async function stored(count: number): Promise<void> {
  await eventually(async () => {
    const { rows } = await site.db.execute(sql`select count(*)::int as count from cache_entries where meta is not null`)
    expect(rows).toEqual([{ count }])
  })
}

async function inWorkerd(compatibilityDate: string): Promise<Ask> {
  const script = await bundleForEdge({ entry: `export { default } from './probes/responses.ts'`, folder })
  const miniflare = new Miniflare({
    modules: [{ type: 'ESModule', path: 'worker.mjs', contents: script }],
    compatibilityDate,
    bindings: env,
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  })
  cleanup(() => miniflare.dispose())
  await miniflare.ready
  return fetching(await miniflare.unsafeGetDirectURL())
}

async function onEdgeRuntime(): Promise<Ask> {
  const entry = `import app from './probes/responses.ts'
    addEventListener('fetch', (event) => event.respondWith(
      app.fetch(event.request, globalThis.env, { waitUntil: (work) => event.waitUntil(work), passThroughOnException() {} })))`
  const initialCode = await bundleForEdge({ entry, folder, format: 'iife' })
  const runtime = new EdgeRuntime({ initialCode, extend: (context) => Object.assign(context, { env }) })
  return (path, headers = {}) => runtime.dispatchFetch(`https://example.com${path}`, { headers })
}

async function onNode(): Promise<Ask> {
  const { default: app } = await import('../../package/probes/responses.ts')
  const server = serve({ fetch: (request) => app.fetch(request, env), port: 0, hostname: '127.0.0.1' })
  cleanup(() => new Promise((resolve) => server.close(resolve)))
  await new Promise<void>((resolve) => (server.listening ? resolve() : server.once('listening', () => resolve())))
  return fetching(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
}

function fetching(base: URL): Ask {
  return (path, headers = {}, signal) => fetch(new URL(path, base), { headers, signal: signal ?? null })
}
