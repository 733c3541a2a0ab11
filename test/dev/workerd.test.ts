import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import { expect, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { start } from './endpoint.ts'

// A database and workerd start, on a busy machine.
vi.setConfig({ testTimeout: 240_000 })

/** The code of docs/guides/local-neon.md, and the headers that arrive from workerd. */
const WORKER = `
  import { neon, neonConfig } from '@neondatabase/serverless'
  export default {
    async fetch(request, env) {
      if (env.NEON_FETCH_ENDPOINT) neonConfig.fetchEndpoint = () => env.NEON_FETCH_ENDPOINT
      const sql = neon(env.DATABASE_URL)
      const [row] = await sql\`select \${[1, 2]}::int[] as list, now() as now\`
      return Response.json(row)
    },
  }`

it('the driver reaches the endpoint from workerd, whose fetch sends no Origin', async () => {
  const local = await start()
  const { outputFiles } = await build({
    stdin: { contents: WORKER, resolveDir: process.cwd() },
    bundle: true,
    format: 'esm',
    write: false,
    conditions: ['workerd'],
  })
  const worker = new Miniflare({
    modules: true,
    script: outputFiles[0]?.text ?? '',
    compatibilityDate: '2026-04-01',
    bindings: { DATABASE_URL: local.connectionString, NEON_FETCH_ENDPOINT: local.endpoint },
    cf: false,
  })
  cleanup(() => worker.dispose())
  const response = await worker.dispatchFetch('https://app.example/', { headers: { origin: 'https://app.example' } })
  expect(await response.json()).toMatchObject({ list: [1, 2], now: expect.any(String) })
})
