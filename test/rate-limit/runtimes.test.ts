import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { EdgeRuntime } from 'edge-runtime'
import { Miniflare } from 'miniflare'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { bundleForEdge } from '../package/bundle.ts'
import { install, linkPackages, pack, ROOT } from '../package/packed.ts'
import { cleanup } from '../setup/cleanup.ts'
import { counters, createMigratedStash, emptied, members } from './limits.ts'

const REQUESTS = 200
const LIMIT = 50
const POLICY = [['50-per-60s', { q: LIMIT, w: 60 }]]

let stash: Awaited<ReturnType<typeof createMigratedStash>>
let folder: string
let env: { ENDPOINT: string; DATABASE_URL: string }

beforeAll(async () => {
  stash = await createMigratedStash()
  env = { ENDPOINT: stash.server.endpoint, DATABASE_URL: stash.server.connectionString }
  folder = await install(await pack())
  await linkPackages(folder, ['@neondatabase/serverless'])
  await cp(join(ROOT, 'test/rate-limit/worker.ts'), join(folder, 'worker.ts'))
})
beforeEach(() => emptied(stash))

/** Sends 200 requests at once, and expects 50 to pass. */
async function expectExactly(send: () => Promise<Response>): Promise<void> {
  const answers = await Promise.all(Array.from({ length: REQUESTS }, send))
  for (const answer of answers) {
    expect(members(answer, 'ratelimit-policy')).toEqual(POLICY)
    if (answer.status === 200) expect(await answer.text()).toBe('welcome')
    else expect([answer.status, answer.headers.has('retry-after')]).toEqual([429, true])
  }
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(LIMIT)
  expect(stash.faults.requests).toBe(REQUESTS)
}

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
    await expectExactly(() => fetch(url, { headers: { 'cf-connecting-ip': `2001:db8:1:2::${client++}` } }))
    expect(await counters(stash.cache)).toEqual(['rate-limit:50-per-60s:2001:db8:1:2::/64'])
  })

  it('adds the headers to a redirect, and to bytes that the program compressed itself', async () => {
    const headers = { 'cf-connecting-ip': '192.0.2.1' }
    const redirect = await fetch(`${url}/redirect`, { headers, redirect: 'manual' })
    expect([redirect.status, redirect.headers.get('location')]).toEqual([302, 'https://example.com/elsewhere'])
    const zipped = await fetch(`${url}/zipped`, { headers: { ...headers, 'accept-encoding': 'gzip' } })
    expect(await zipped.text()).toBe('zipped')
    for (const answer of [redirect, zipped]) expect(members(answer, 'ratelimit-policy')).toEqual(POLICY)
  })

  it('passes a WebSocket on', async () => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket`, {
      headers: { 'cf-connecting-ip': '192.0.2.1' },
    })
    cleanup(() => socket.close())
    const echo = new Promise((resolve, reject) => {
      socket.on('message', (data) => resolve(String(data)))
      socket.on('error', reject)
    })
    socket.on('open', () => socket.send('hello'))
    expect(await echo).toBe('echo hello')
    expect(await counters(stash.cache)).toEqual(['rate-limit:50-per-60s:192.0.2.1'])
  })
})

it('on edge-runtime, exactly 50 of 200 parallel requests from one address pass', async () => {
  const entry = `import worker from './worker.ts'
    addEventListener('fetch', (event) => event.respondWith(worker.fetch(event.request, globalThis.env)))`
  const initialCode = await bundleForEdge({ entry, folder, format: 'iife' })
  const runtime = new EdgeRuntime({ initialCode, extend: (context) => Object.assign(context, { env }) })
  const headers = { 'cf-connecting-ip': '192.0.2.1' }
  await expectExactly(() => runtime.dispatchFetch('https://example.com/', { headers }) as Promise<Response>)
})
