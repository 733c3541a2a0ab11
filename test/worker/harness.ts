/** The deployed worker, in workerd, over a local Neon endpoint whose requests can be counted and broken. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type NeonQueryFunction, neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { build, type Plugin } from 'esbuild'
import { Miniflare, type MiniflareOptions, type RequestInit } from 'miniflare'
import { type LocalNeon, startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { createFaults, type Faults, type InterceptedRequest } from 'pgstash/testing'
import { loadCities } from '../../worker/start/load-cities.mjs'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { emptyTables } from '../setup/postgres-store.ts'

export const KINDS = ['PGlite', 'a real server'] as const
export type Kind = (typeof KINDS)[number]

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Enough for several countries with capitals, and few enough to load at once. */
export const CITIES = 4_000

export interface City {
  id: number
  name: string
  country: string
  population: number
  lat: number
  lng: number
  km: number
}

export interface Demo {
  readonly local: LocalNeon
  readonly faults: Faults
  readonly miniflare: Miniflare
  /** Writes directly to the database, without the worker. */
  readonly sql: NeonQueryFunction<false, false>
  /** Called before each request to the database; may wait. */
  onRequest: ((request: InterceptedRequest) => Promise<void> | void) | undefined
  fetch(path: string, init?: RequestInit): Promise<Answer>
  /** The same, after the background work of the response has ended, so that it is stored. */
  ask(path: string, init?: RequestInit): Promise<Answer>
  /** Counts the database requests of `work`. */
  counted(work: () => Promise<unknown>): Promise<number>
  /** Deletes everything in the cache. */
  empty(): Promise<void>
  /** Runs the cron trigger. */
  scheduled(): Promise<void>
  /** A new isolate, which remembers nothing. */
  restart(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The text of `Cache-Status` after the name of the cache, without the parts that depend on the clock. */
  readonly cache: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: answers are inspected field by field, as a client would.
  readonly json: any
}

export interface DemoOptions {
  /** Whether the worker waits for the database only as long as in production. Otherwise it waits for a busy machine too. */
  readonly hasOwnTimeouts?: boolean
}

export async function startDemo(kind: Kind, options: DemoOptions = {}): Promise<Demo> {
  const faults = createFaults()
  const hooks: Pick<Demo, 'onRequest'> = { onRequest: undefined }
  const local = await startLocalNeon({
    ...(kind === 'PGlite' ? {} : { database: await createDatabase() }),
    intercept: {
      async onRequest(request) {
        await hooks.onRequest?.(request)
        return faults.onRequest(request)
      },
      onResponse: (response) => faults.onResponse(response),
    },
  })
  cleanup(() => local.close())
  neonConfig.fetchEndpoint = local.endpoint
  const sql = neon(local.connectionString)
  await migrate(drizzle(sql))
  await loadCities(sql, { limit: CITIES })
  const bindings = { DATABASE_URL: local.connectionString }
  const miniflare = await startMiniflare(bindings, options)
  return Object.assign(hooks, {
    local,
    faults,
    miniflare,
    sql,
    fetch: (path: string, init?: RequestInit) => fetchFrom(miniflare, path, init),
    async ask(path: string, init?: RequestInit) {
      const answer = await fetchFrom(miniflare, path, init)
      await until(async () => (await heldLeases(sql)) === 0, 'the answer is stored')
      return answer
    },
    async counted(work: () => Promise<unknown>) {
      const before = faults.requests
      await work()
      return faults.requests - before
    },
    empty: () => emptyTables(drizzle(sql)),
    async scheduled() {
      const worker = await miniflare.getWorker()
      await worker.scheduled({ cron: '0 * * * *' })
    },
    restart: async () => miniflare.setOptions(await optionsOf(bindings, options)),
  })
}

/** Answers that are being computed or stored. */
async function heldLeases(sql: NeonQueryFunction<false, false>): Promise<number> {
  const [row] = await sql.query(
    `select count(*)::int as held from cache_leases where token <> 'pass' and expires_at > now()`,
  )
  return row?.held
}

/** The worker alone, whatever its bindings. It ends with the test file. */
export async function startMiniflare(bindings: Record<string, string>, options: DemoOptions = {}): Promise<Miniflare> {
  const miniflare = new Miniflare(await optionsOf(bindings, options))
  cleanup(() => miniflare.dispose())
  await miniflare.ready
  return miniflare
}

async function optionsOf(bindings: Record<string, string>, options: DemoOptions): Promise<MiniflareOptions> {
  return {
    modules: [{ type: 'ESModule', path: 'index.js', contents: await bundle(options) }],
    compatibilityDate: '2026-04-01',
    bindings,
    cf: false,
  }
}

export async function fetchFrom(miniflare: Miniflare, path: string, init?: RequestInit): Promise<Answer> {
  const response = await miniflare.dispatchFetch(`http://demo.test${path}`, init)
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== ''
  return {
    status: response.status,
    headers: new Headers([...response.headers]),
    text,
    cache: response.headers.get('cache-status')?.replace(/^pgstash;|;ttl=-?\d+|"/g, ''),
    json: isJson ? JSON.parse(text) : undefined,
  }
}

const bundled = new Map<boolean, Promise<string>>()

/** As wrangler does: for workerd, without Node. */
async function bundle({ hasOwnTimeouts = false }: DemoOptions): Promise<string> {
  const known = bundled.get(hasOwnTimeouts)
  if (known !== undefined) return known
  const made = build({
    plugins: hasOwnTimeouts ? [] : [longTimeouts],
    entryPoints: [`${ROOT}worker/index.ts`],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    // The paths of tsconfig.json lead to the module with TCP, whatever the conditions are.
    alias: { '#tcp': `${ROOT}src/postgres/connections/no-tcp.ts` },
    loader: { '.html': 'text', '.css': 'text', '.client.js': 'text' },
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '')
  bundled.set(hasOwnTimeouts, made)
  return made
}

const longTimeouts: Plugin = {
  name: 'long timeouts',
  setup({ onLoad }) {
    onLoad({ filter: /worker\/database\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      return { contents: source.replace(/(?<=^const \w+_TIMEOUT_MS = )[\d_]+$/gm, '60_000'), loader: 'ts' }
    })
  },
}

/** Polls until the condition holds. */
export async function until(condition: () => Promise<boolean> | boolean, what: string, timeoutMs = 30_000) {
  const end = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Waited ${timeoutMs} ms for nothing: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
