/** The programs of docs/getting-started cache, over a local Neon as a new user has it. */
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import { createCache } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'

let database: string
let connectionString: string

beforeAll(async () => {
  database = await createDatabase()
  const local = await startLocalNeon({ database })
  cleanup(() => local.close())
  connectionString = local.connectionString
  await migrate(database)
})

async function startWorker(snippet: string): Promise<Miniflare> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../../docs/snippets/getting-started/${snippet}`, import.meta.url))],
    bundle: true,
    format: 'esm',
    write: false,
    conditions: ['workerd'],
    external: ['cloudflare:workers'],
    // Without the paths of the repository, `pgstash` resolves to the exports of the package.
    tsconfigRaw: {},
  })
  const worker = new Miniflare({
    modules: true,
    script: outputFiles[0]?.text ?? '',
    compatibilityDate: '2026-04-01',
    bindings: { DATABASE_URL: connectionString },
    cf: false,
  })
  cleanup(() => worker.dispose())
  return worker
}

describe('the Worker of docs/getting-started/workers.md', () => {
  let worker: Miniflare

  beforeAll(async () => {
    worker = await startWorker('worker.ts')
  })

  it('computes a report once', async () => {
    const ask = async () => (await worker.dispatchFetch('https://app.example/reports/Oslo')).json()
    const computed = await ask()
    expect(computed).toEqual({ city: 'Oslo', madeAt: expect.any(String) })
    expect(await ask()).toEqual(computed)
  })

  it('deletes expired entries by its cron trigger', async () => {
    const cache = createCache(database, { timeout: 60_000, namespace: 'reports' })
    await cache.set('expired', 1, { expiration: 0 })
    expect((await cache.stats()).expired).toBe(1)
    const { scheduled } = await worker.getWorker()
    expect(await scheduled()).toMatchObject({ outcome: 'ok' })
    expect((await cache.stats()).expired).toBe(0)
  })
})

it('the cached page of docs/getting-started/workers.md is a hit at its second request', async () => {
  const worker = await startWorker('cached-response.ts')
  const ask = async () => {
    const response = await worker.dispatchFetch('https://app.example/pages/home')
    return [response.headers.get('cache-status')?.split(';')[1], await response.text()]
  }
  const [miss, page] = await ask()
  expect(miss).toBe('fwd=uri-miss')
  await expect.poll(ask).toEqual(['hit', page])
})

it('the server of docs/getting-started/node.md computes a report once', async () => {
  Object.assign(process.env, { DATABASE_URL: database, PORT: '0' })
  const { server } = await import('../../docs/snippets/getting-started/server.ts')
  cleanup(() => server.close())
  await expect.poll(() => server.listening).toBe(true)
  const ask = async () => (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).text()
  const computed = await ask()
  expect(computed).toMatch(/^Computed at /)
  expect(await ask()).toBe(computed)
})
