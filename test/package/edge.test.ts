import { cp } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { EdgeRuntime } from 'edge-runtime'
import { createCache } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { createFaults } from 'pgstash/testing'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { bundleForEdge } from './bundle.ts'
import { edgeEntryPoints, importName, install, linkPackages, pack, ROOT } from './packed.ts'
import { answer, COMPATIBILITY_DATES, leavingClient, startWorker } from './runtimes.ts'

const KEYS = await edgeEntryPoints()

/** The probe of each entry. Every edge entry must have one. */
const PROBES: Record<string, string> = {
  '.': 'main',
  './schema': 'schema',
  './migrate': 'schema',
  './drizzle': 'drizzle',
  './hono': 'hono',
  './fetch': 'fetch',
  './better-auth': 'better-auth',
  './keyv': 'keyv',
  './next': 'next',
  './unstorage': 'unstorage',
  './opennext': 'opennext',
  './cron': 'cron',
  './admin': 'admin',
  './telemetry': 'telemetry',
  './testing': 'testing',
}

/**
 * Gzipped, without `drizzle-orm`, `hono` and Neon's driver, which their users have anyway. At most the measured size (see
 * `bench/size.bench.ts`) plus a tenth. Workers' free plan allows 3 MB for everything, but each kilobyte delays the first
 * request of a cold isolate. Raise a budget only for a feature that is worth it.
 */
const BUDGET_BYTES: Record<string, number> = {
  '.': 95_000,
  './schema': 5_300,
  // Includes all statements, because routines are made from them.
  './migrate': 48_500,
  './drizzle': 40_500,
  // Includes the codec, which reaches a program with `createCache` in any case.
  './hono': 52_000,
  './fetch': 50_000,
  // Includes the checks of caches and options.
  './better-auth': 3_150,
  './keyv': 2_150,
  './next': 20_600,
  // Includes `createCache`, because the driver accepts a connection string.
  './unstorage': 63_500,
  // Includes the engine and the store, which reach a program with `createCache` in any case.
  './opennext': 48_300,
  './cron': 7_500,
  './admin': 48_000,
  // Includes the statements that write a history. The listeners alone are measured below.
  './telemetry': 26_800,
  // Includes two suites, one for caches and one for stores.
  './testing': 27_700,
}

const CLIENTS = 50
const ALL_RIGHT = clients().map((own) => ({ status: 200, body: ['S', own, 'S', null, 'S'] }))

/** Longer than any operation may take with its timeout of 12 seconds. */
const HUNG_AFTER_MS = 30_000

let folder: string
let env: { ENDPOINT: string; DATABASE_URL: string }
const faults = createFaults()

beforeAll(async () => {
  folder = await install(await pack())
  await linkPackages(folder, ['@neondatabase/serverless', 'hono'])
  await cp(join(ROOT, 'test/package/probes'), join(folder, 'probes'), { recursive: true })
  const local = await startLocalNeon({ database: await createDatabase(), intercept: faults })
  cleanup(() => local.close())
  env = { ENDPOINT: local.endpoint, DATABASE_URL: local.connectionString }
})

beforeEach(() => {
  faults.heal()
  faults.reset()
})

it('has a probe for every edge entry', () => {
  expect(Object.keys(PROBES)).toEqual(KEYS)
})

describe.each(KEYS)('the edge entry %s', (key) => {
  const probe = PROBES[key] ?? ''

  it('imports no Node built-in', async () => {
    expect(await bundleForEdge({ entry: `export * from '${importName(key)}'`, folder })).toContain('export {')
  })

  it('works in workerd', async () => {
    const entry = `import { run } from './probes/${probe}.ts'
      export default { fetch: async (_request, env) => Response.json(await run(env)) }`
    const bindings = { ...env, RUNTIME: `workerd ${key}` }
    const worker = await startWorker(await bundleForEdge({ entry, folder }), { bindings })
    const response = await fetch(worker)
    expect(await textOf(response)).toEqual(await expectedOf(probe))
  })

  it('works on edge-runtime', async () => {
    const entry = `import { run } from './probes/${probe}.ts'
      addEventListener('fetch', (event) => event.respondWith(run(globalThis.env).then((result) => Response.json(result))))`
    const code = await bundleForEdge({ entry, folder, format: 'iife' })
    const runtime = new EdgeRuntime({
      initialCode: code,
      extend: (context) => Object.assign(context, { env: { ...env, RUNTIME: `edge-runtime ${key}` } }),
    })
    const response = await runtime.dispatchFetch('https://example.com/')
    expect(await textOf(response)).toEqual(await expectedOf(probe))
  })
})

describe('the bundler of these tests', () => {
  it('fails on a Node built-in, and says who imports it', async () => {
    const entry = `import { createCache } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'; console.log(startLocalNeon)`
    await expect(bundleForEdge({ entry, folder, external: ['pg', '@electric-sql/pglite'] })).rejects.toThrow(
      /node:http \(imported by .*pgstash\/dist\/.+\.js\)/,
    )
    await expect(bundleForEdge({ entry: `import 'fs/promises'`, folder })).rejects.toThrow(/fs\/promises/)
  })
})

describe('the size of pgstash', () => {
  it.each(KEYS)('is within its budget for %s, minified and gzipped, without drizzle-orm', async (key) => {
    const entry = `export * from '${importName(key)}'`
    const code = await bundleForEdge({
      entry,
      folder,
      minify: true,
      external: ['drizzle-orm', 'hono', '@neondatabase/serverless'],
    })
    const gzipped = gzipSync(code, { level: 9 }).length
    console.log(`${importName(key)}: ${code.length} B minified, ${gzipped} B gzipped, of ${BUDGET_BYTES[key]} allowed`)
    expect(gzipped).toBeLessThan(BUDGET_BYTES[key] ?? 0)
  })
})

describe('the size of a single export', () => {
  it.each([
    // Statements and tables take a quarter of it. The diagnosis of failures and the checks of options take another.
    ['createCache', 58_900],
    ['memoryCache', 34_500],
    ['cached', 39_600],
    ['sessionStore', 7_700, 'pgstash/hono'],
    ['openTelemetryListener', 3_700, 'pgstash/telemetry'],
    ['analyticsEngineListener', 3_700, 'pgstash/telemetry'],
  ])(
    'is within its budget for %s alone, as nobody pays for what they do not import',
    async (name, budget, from = 'pgstash') => {
      const entry = `export { ${name} } from '${from}'`
      const code = await bundleForEdge({ entry, folder, minify: true, external: ['drizzle-orm'] })
      expect(gzipSync(code, { level: 9 }).length).toBeLessThan(budget)
    },
  )
})

describe('a worker without the driver of Neon', () => {
  const snippet = (name: string) => `export { default } from './snippets/${name}.ts'`
  const sizeOf = async (entry: string) =>
    gzipSync(await bundleForEdge({ entry, folder, minify: true }), { level: 9 }).length

  beforeAll(() => cp(join(ROOT, 'docs/snippets'), join(folder, 'snippets'), { recursive: true }))

  it('is within its budget with everything it needs, and 58 KB smaller than one with the driver', async () => {
    const [small, usual] = [await sizeOf(snippet('small-worker')), await sizeOf(snippet('worker'))]
    console.log(`over fetch ${small} B, with the driver ${usual} B`)
    expect(small).toBeLessThan(63_500)
    expect(usual - small).toBeGreaterThan(58_000)
  })

  it.each(COMPATIBILITY_DATES)('reads, writes and computes in workerd, compatibility date %s', async (date) => {
    const entry = `import { createCache } from 'pgstash'
      import { migrate } from 'pgstash/migrate'
      import { neonOverFetch } from './snippets/neon-fetch.ts'
      export default { async fetch(_request, env) {
        const db = neonOverFetch(env.DATABASE_URL, env.ENDPOINT)
        await migrate(db)
        const cache = createCache(db, { timeout: 60_000, namespace: env.RUNTIME, warn: false })
        await cache.clear()
        await cache.set('user', { name: 'Ada' }, { tags: ['users'], expiration: '1h' })
        const computed = [await cache.getOrSet('made', () => 1), await cache.getOrSet('made', () => 2)]
        const missing = createCache(neonOverFetch(env.DATABASE_URL + '-missing', env.ENDPOINT), { warn: false })
        return Response.json({
          read: await Promise.all(['user', 'none'].map((key) => cache.get(key, { fallback: null }))),
          computed,
          counted: [await cache.increment('hits', 2), (await cache.limit('login', { limit: 1, period: '1m' })).allowed],
          invalidated: await cache.invalidate('users').then(() => cache.has('user')),
          failure: await missing.get('user').catch(({ code, sqlState }) => [code, sqlState]),
        })
      } }`
    const bindings = { ...env, RUNTIME: `neon over fetch ${date}` }
    const worker = await startWorker(await bundleForEdge({ entry, folder }), { bindings, compatibilityDate: date })
    expect(await textOf(await fetch(worker))).toEqual({
      read: [{ name: 'Ada' }, null],
      computed: [1, 1],
      counted: [2, true],
      invalidated: false,
      failure: ['DATABASE', '3D000'],
    })
  })
})

describe('one cache for all requests of an isolate', () => {
  let worker: string
  let entryWorker: string
  /** After half of it, those who wait for a statement of another request send their own. */
  const patient = { TIMEOUT_MS: '60000' }
  const impatient = { TIMEOUT_MS: '12000' }

  beforeAll(async () => {
    worker = await bundleForEdge({ entry: `export { default } from './probes/shared-cache.ts'`, folder })
    entryWorker = await bundleForEdge({ entry: `export { default } from './probes/shared-entry.ts'`, folder })
    neonConfig.fetchEndpoint = () => env.ENDPOINT
    const db = drizzle(neon(env.DATABASE_URL))
    await migrate(db)
    await createCache(db, { timeout: 60_000 }).setMany([['same', 'S'], ...clients().map((own) => [own, own] as const)])
  })

  describe.each(COMPATIBILITY_DATES)('in workerd, compatibility date %s', (date) => {
    it('answers 50 requests that arrive at once, each with two statements for its five reads', async () => {
      const url = await startWorker(worker, { bindings: { ...env, ...patient }, compatibilityDate: date })
      expect(await Promise.all(clients().map((own) => answer(fetch(`${url}?own=${own}`))))).toEqual(ALL_RIGHT)
      expect(faults.requests).toBe(2 * CLIENTS)
    })

    it('answers 50 requests that one promise resumes at the same instant', async () => {
      const gate = await startGate(CLIENTS - 1)
      const bindings = { ...env, ...patient, GATE: gate.url }
      const url = await startWorker(worker, { bindings, compatibilityDate: date })
      expect(await Promise.all(clients().map((own) => answer(fetch(`${url}/gated?own=${own}`))))).toEqual(ALL_RIGHT)
      // workerd continues each request in its own turn, so that no request waits for a statement of another one.
      expect(faults.requests).toBe(2 * CLIENTS)
    })

    it('answers the others when a request is cancelled by its client while it reads', async () => {
      const gate = await startGate(CLIENTS - 1)
      const bindings = { ...env, ...impatient, GATE: gate.url }
      const url = await startWorker(worker, { bindings, compatibilityDate: date })
      faults.next({ kind: 'hang' })
      const first = leavingClient(`${url}/gated?own=own-0`)
      await gate.waiting
      const [, ...others] = clients()
      const answers = others.map((own) => answer(fetch(`${url}/gated?own=${own}`)))
      await aRequest()
      first.leave()
      expect(await Promise.all(answers)).toEqual(ALL_RIGHT.slice(1))
    })

    it('answers later requests when one is cancelled by its client while it reads a handle that all share', async () => {
      const url = await startWorker(entryWorker, { bindings: env, compatibilityDate: date })
      faults.next({ kind: 'hang' })
      const first = leavingClient(url)
      await aRequest()
      first.leave()
      const later = answer(fetch(url, { signal: AbortSignal.timeout(HUNG_AFTER_MS) }))
      expect(await later).toEqual({ status: 200, body: 'S' })
    })
  })

  it('answers 50 requests at once on edge-runtime, with statements that they share', async () => {
    const runtime = await startEdgeRuntime(patient)
    expect(await Promise.all(clients().map((own) => answer(runtime(own))))).toEqual(ALL_RIGHT)
    expect(faults.requests).toBeLessThanOrEqual(CLIENTS / 10)
  })

  it('answers the waiters of a hanging read after half of the timeout, on edge-runtime', async () => {
    const runtime = await startEdgeRuntime(impatient)
    faults.next({ kind: 'hang' })
    const startedAt = performance.now()
    const [, ...followers] = clients().map((own) => answer(runtime(own)))
    // A request that waits for the whole timeout gets an error.
    expect(await Promise.all(followers)).toEqual(ALL_RIGHT.slice(1))
    expect(performance.now() - startedAt).toBeGreaterThan(5_000)
  })

  async function startEdgeRuntime(timeout: object): Promise<(own: string) => Promise<Response>> {
    const entry = `import worker from './probes/shared-cache.ts'
      addEventListener('fetch', (event) => event.respondWith(worker.fetch(event.request, globalThis.env)))`
    const initialCode = await bundleForEdge({ entry, folder, format: 'iife' })
    const runtime = new EdgeRuntime({
      initialCode,
      extend: (context) => Object.assign(context, { env: { ...env, ...timeout } }),
    })
    return (own) => runtime.dispatchFetch(`https://example.com/?own=${own}`)
  }
})

/** Resolves once a request has reached the database. */
function aRequest(): Promise<void> {
  return eventually(() => expect(faults.requests).toBeGreaterThan(0))
}

function clients(): string[] {
  return Array.from({ length: CLIENTS }, (_, i) => `own-${i}`)
}

/** The body as JSON, or the text of the failure. */
async function textOf(response: Response): Promise<unknown> {
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.status} ${text}`)
  return JSON.parse(text)
}

async function expectedOf(probe: string): Promise<unknown> {
  return ((await import(`./probes/${probe}.ts`)) as { expected: unknown }).expected
}

interface Gate {
  readonly url: string
  /** Resolves when the first is waiting. */
  readonly waiting: Promise<void>
}

/** Answers `/opened` only after so many calls of `/arrived`. */
async function startGate(expected: number): Promise<Gate> {
  const gate = { wait: () => {}, open: () => {} }
  const waiting = new Promise<void>((resolve) => {
    gate.wait = resolve
  })
  const opened = new Promise<void>((resolve) => {
    gate.open = resolve
  })
  let arrived = 0
  const server = createServer(async (message, response) => {
    if (message.url === '/opened') {
      gate.wait()
      await opened
    } else if (++arrived === expected) gate.open()
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, waiting }
}
