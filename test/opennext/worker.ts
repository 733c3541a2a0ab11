/**
 * A worker that runs OpenNext's own code on the overrides under test: its handlers of Next's caches, its interceptor,
 * and the routing that sends messages to the queue. A request is a list of steps, all in one request context of
 * OpenNext.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { neon, neonConfig } from '@neondatabase/serverless'
import Cache from '@opennextjs/aws/adapters/cache.js'
import composable from '@opennextjs/aws/adapters/composable-cache.js'
import { cacheInterceptor } from '@opennextjs/aws/core/routing/cacheInterceptor.js'
import { revalidateIfRequired } from '@opennextjs/aws/core/routing/util.js'
import { runWithOpenNextRequestContext } from '@opennextjs/aws/utils/promise.js'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from '../../src/index.ts'
import { incrementalCache, queue, tagCache } from '../../src/opennext/index.ts'
import { packed, unpacked } from './json.ts'

interface Env {
  readonly ENDPOINT: string
  readonly DATABASE_URL: string
  readonly OPEN_NEXT_BUILD_ID: string
  readonly NEXT_VERSION: string
  readonly WORKER_SELF_REFERENCE?: unknown
}

interface Context {
  waitUntil(work: Promise<unknown>): void
}

/** The bundler replaces these, because no binding is known yet when OpenNext loads its configuration. */
declare const DATABASE_TIMEOUT_MS: number
declare const PAGE_TIMEOUT_MS: number

export type Step = readonly [name: string, ...args: unknown[]]

// OpenNext's templates do the same.
const cloudflare = new AsyncLocalStorage<{ env: Env; ctx: Context }>()
Object.defineProperty(globalThis, Symbol.for('__cloudflare-context__'), { get: () => cloudflare.getStore() })

// Outside of every request, as OpenNext loads its configuration. No variable and no binding exists yet.
const makeCache = () =>
  createCache(() => drizzle({ client: neon(process.env.DATABASE_URL ?? '') }), {
    warn: false,
    timeout: DATABASE_TIMEOUT_MS,
  })
const globals = globalThis as unknown as Record<string, unknown>
Object.assign(globals, {
  __openNextAls: new AsyncLocalStorage(),
  openNextConfig: {},
  cdnInvalidationHandler: { name: 'dummy', invalidatePaths: async () => {} },
  incrementalCache: incrementalCache(makeCache),
  tagCache: tagCache(makeCache),
  queue: queue(makeCache, { timeout: PAGE_TIMEOUT_MS }),
})

const realNow = Date.now.bind(Date)
const handler = new Cache()
// biome-ignore lint/suspicious/noExplicitAny: the steps of a test are JSON
const override = (name: string) => globals[name] as any

const requestStore = () => override('__openNextAls').getStore()

// biome-ignore lint/suspicious/noExplicitAny: as above
const STEPS: Record<string, (...args: any[]) => unknown> = {
  get: (key, options) => handler.get(key, options),
  set: (key, data, ctx) => handler.set(key, data, ctx),
  revalidateTag: (tags, durations) => handler.revalidateTag(tags, durations),
  async composableGet(key) {
    const entry = await composable.get(key)
    return entry && { ...entry, value: await new Response(entry.value as never).text() }
  },
  composableSet: (key, entry) =>
    composable.set(key, Promise.resolve({ ...entry, value: new Response(entry.value).body as never })),
  updateTags: (tags, durations) => composable.updateTags(tags, durations),
  getExpiration: (tags) => composable.getExpiration(tags),
  async intercept(path, headers = {}) {
    const event = {
      type: 'core',
      method: 'GET',
      rawPath: path,
      url: `https://shop.example${path}`,
      query: {},
      cookies: {},
    }
    const result = await cacheInterceptor({ ...event, headers: { host: 'shop.example', ...headers } } as never)
    if (!('statusCode' in result)) return 'to the server'
    return { status: result.statusCode, headers: result.headers, body: await new Response(result.body as never).text() }
  },
  staleResponse: (path, etag) => revalidateIfRequired('shop.example', path, { 'x-nextjs-cache': 'STALE', etag }),
  incremental: (method, ...args) => override('incrementalCache')[method](...args),
  tag: (method, ...args) => override('tagCache')[method](...args),
  queue: (message) => override('queue').send(message),
  /** Waits until the test opens it. */
  reach: async (url) => void (await fetch(url)),
  config: (config) => void Object.assign(globals, { openNextConfig: config }),
  parallel: (...steps: Step[]) => Promise.all(steps.map(run)),
}

async function run([name, ...args]: Step): Promise<unknown> {
  try {
    return (await STEPS[name]?.(...args)) ?? null
  } catch (error) {
    return { error: (error as Error).name, message: (error as Error).message }
  }
}

export default {
  async fetch(request: Request, env: Env, ctx: Context): Promise<Response> {
    for (const [name, value] of Object.entries(env)) if (typeof value === 'string') process.env[name] = value
    process.env.NEXT_PREVIEW_MODE_ID = 'preview-token'
    neonConfig.fetchEndpoint = () => env.ENDPOINT
    globals.nextVersion = env.NEXT_VERSION
    const { steps, skewMs = 0 } = unpacked(await request.text()) as { steps: Step[]; skewMs?: number }
    Date.now = () => realNow() + skewMs
    const results: unknown[] = []
    await cloudflare.run({ env, ctx }, () =>
      runWithOpenNextRequestContext({ isISRRevalidation: false, waitUntil: ctx.waitUntil.bind(ctx) }, async () => {
        for (const step of steps) {
          results.push(await run(step))
          // Next does not wait for the writes of pages.
          await requestStore()?.pendingPromiseRunner.await()
        }
      }),
    )
    return new Response(packed(results))
  },
}
