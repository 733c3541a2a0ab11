/** Isolates of workerd that run OpenNext's code. */
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { Miniflare, type Request, Response } from 'miniflare'
import { cleanup } from '../setup/cleanup.ts'
import { packed, unpacked } from './json.ts'
import type { Step } from './worker.ts'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** The page `/page` of an app built by Next 16. OpenNext's build replaces the same module with literals like these. */
const MANIFESTS = `
export const NextConfig = { trailingSlash: false }
export const BuildId = 'build'
export const HtmlPages = []
export const RoutesManifest = { rewrites: {}, redirects: [], routes: { static: [], dynamic: [], data: { static: [], dynamic: [] } }, locales: [] }
export const ConfigHeaders = []
export const PrerenderManifest = { routes: { '/page': { srcRoute: '/page', initialRevalidateSeconds: 60 } }, dynamicRoutes: {}, preview: {} }
export const PagesManifest = {}
export const AppPathsManifestKeys = ['/page']
export const MiddlewareManifest = {}
export const AppPathsManifest = { '/page/page': 'app/page/page.js' }
export const AppPathRoutesManifest = { '/page/page': '/page' }
export const FunctionsConfigManifest = {}
`

const manifests: Plugin = {
  name: 'manifests',
  setup({ onLoad }) {
    onLoad({ filter: /@opennextjs\/aws\/dist\/adapters\/config\/index\.js$/ }, () => ({ contents: MANIFESTS }))
  },
}

/** The worker's script, as wrangler bundles it with `nodejs_compat`. */
async function bundleWorker(databaseTimeoutMs: number, pageTimeoutMs: number): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${FOLDER}worker.ts`],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser', 'import'],
    external: ['node:*', 'cloudflare:*', 'next/*'],
    define: { DATABASE_TIMEOUT_MS: String(databaseTimeoutMs), PAGE_TIMEOUT_MS: String(pageTimeoutMs) },
    plugins: [manifests],
    tsconfigRaw: {},
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

export interface Isolate {
  /** Runs the steps in one request, and returns their results. */
  run(steps: readonly Step[], options?: { skewMs?: number }): Promise<unknown[]>
}

export interface IsolateOptions {
  readonly bindings: Record<string, string>
  readonly count?: number
  /** The cache's time limit for a statement. Default a minute. */
  readonly databaseTimeoutMs?: number | undefined
  /** The queue's time limit for rendering a page. Default a minute. */
  readonly pageTimeoutMs?: number | undefined
  /** The target of the binding WORKER_SELF_REFERENCE; undefined for no binding. */
  readonly self?: ((request: Request) => Response | Promise<Response>) | undefined
}

/** The number of isolates of one worker. */
export async function startIsolates({
  bindings,
  count = 1,
  self,
  databaseTimeoutMs = 60_000,
  pageTimeoutMs = 60_000,
}: IsolateOptions): Promise<Isolate[]> {
  const script = await bundleWorker(databaseTimeoutMs, pageTimeoutMs)
  const names = Array.from({ length: count }, (_, i) => `isolate-${i}`)
  const miniflare = new Miniflare({
    workers: names.map((name) => ({
      name,
      modules: [{ type: 'ESModule', path: 'worker.mjs', contents: script }],
      compatibilityDate: '2026-04-01',
      compatibilityFlags: ['nodejs_compat'],
      bindings,
      ...(self !== undefined && { serviceBindings: { WORKER_SELF_REFERENCE: self } }),
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    })),
    cf: false,
  })
  cleanup(() => miniflare.dispose())
  await miniflare.ready
  const urls = await Promise.all(names.map((name) => miniflare.unsafeGetDirectURL(name)))
  return urls.map((url) => ({
    async run(steps, options = {}) {
      const response = await fetch(url, { method: 'POST', body: packed({ steps, ...options }) })
      const text = await response.text()
      if (response.status !== 200) throw new Error(`${response.status} ${text}`)
      return unpacked(text) as unknown[]
    },
  }))
}

/** The headers of each request to the worker itself, and the returned status. */
export function pageServer() {
  const requests: { url: string; method: string; token: string | null; isr: string | null }[] = []
  let answer: (request: Request) => Response | Promise<Response> = () =>
    new Response(null, { headers: { 'x-nextjs-cache': 'REVALIDATED' } })
  return {
    requests,
    answers(next: typeof answer) {
      answer = next
    },
    serve(request: Request) {
      const { url, method, headers } = request
      requests.push({ url, method, token: headers.get('x-prerender-revalidate'), isr: headers.get('x-isr') })
      return answer(request)
    },
  }
}

export { Response }
