/** A Hono application behind a response cache, on a real server through HTTP. */
import { neon } from '@neondatabase/serverless'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { type CacheOptions, createCache } from 'pgstash'
import { type ResponseCacheOptions, responseCache } from 'pgstash/hono'
import { createSite, pause, type Site, times } from '../fill/clients.ts'
import { advance, emptyTables } from '../setup/postgres-store.ts'

export { createSite, pause, type Site, times }

type Handler = (c: Context) => Response | Promise<Response>

interface Around {
  /** Middleware that wraps the cache from outside, and middleware between the cache and the handler. */
  readonly before?: readonly MiddlewareHandler[]
  readonly after?: readonly MiddlewareHandler[]
  readonly cache?: CacheOptions
}

/** The handler, and how often it ran. */
export function createApp(
  site: Site,
  handler: Handler,
  options: Partial<ResponseCacheOptions> = {},
  { before = [], after = [], cache = {} }: Around = {},
) {
  const calls: Request[] = []
  const background: Promise<unknown>[] = []
  const app = new Hono()
  for (const each of before) app.use(each)
  app.use(
    responseCache({
      cache: ownCache(site, cache),
      waitUntil: (work) => void background.push(work),
      ...options,
    }),
  )
  for (const each of after) app.use(each)
  app.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text('failed', 500)))
  app.all('*', (c) => {
    calls.push(c.req.raw)
    return handler(c)
  })
  const settled = async () => {
    while (background.length > 0) await Promise.all(background.splice(0))
  }
  return {
    app,
    calls,
    background,
    settled,
    /** The response as soon as it arrives, without its background work. */
    send: async (path: string, init: RequestInit = {}) => app.fetch(new Request(absolute(path), init)),
    /** The response, after all its background work has ended. */
    async fetch(path: string, init: RequestInit = {}): Promise<Response & { text: () => Promise<string> }> {
      const response = await app.fetch(new Request(absolute(path), init))
      const body = await response.arrayBuffer()
      await settled()
      return new Response([101, 204, 205, 304].includes(response.status) ? null : body, response)
    },
  }
}

export type App = ReturnType<typeof createApp>

/** A new cache: it shares only the database with others, like a new isolate. */
export function ownCache(site: Site, options: CacheOptions = {}) {
  return createCache(drizzle(neon(site.server.connectionString)), { timeout: 60_000, ...options })
}

export function absolute(path: string): string {
  return path.startsWith('http') ? path : `https://example.com${path}`
}

export const status = (response: Response) => response.headers.get('cache-status')

/** The status without its ttl, which depends on the clock, and without quotes. */
export const brief = (response: Response) => status(response)?.replace(/^pgstash;|;ttl=-?\d+|"/g, '')

/** An empty database without faults. */
export async function emptied(site: Site): Promise<void> {
  site.faults.heal()
  await emptyTables(site.db)
  site.faults.reset()
}

interface StoredRow extends Record<string, unknown> {
  key: string
  meta: string
}

/** Moves everything that is stored into the past: rows, and the instants in responses. */
export async function age(site: Site, ms: number): Promise<void> {
  await advance(site.db, ms)
  const { rows } = await site.db.execute<StoredRow>(sql`
    select key, meta from cache_entries where meta is not null and meta::jsonb ? 'status'`)
  for (const { key, meta } of rows) {
    await site.db.execute(sql`update cache_entries set meta = ${older(meta, ms)} where key = ${key}`)
  }
  site.faults.reset()
}

function older(text: string, ms: number): string {
  const meta = JSON.parse(text)
  for (const name of ['requestAt', 'responseAt', 'date', 'staleSince']) if (name in meta) meta[name] -= ms
  meta.headers = meta.headers.map(([name, value]: [string, string]) =>
    name === 'date' ? [name, new Date(Date.parse(value) - ms).toUTCString()] : [name, value],
  )
  return JSON.stringify(meta)
}

/** The keys of all stored entries. */
export async function stored(site: Site): Promise<string[]> {
  const { rows } = await site.db.execute<{ key: string }>(sql`
    select key from cache_entries where meta::jsonb ? 'status' order by key`)
  return rows.map(({ key }) => key)
}

/** The leases that are held, including hit-for-miss leases. */
export async function heldLeases(site: Site): Promise<string[]> {
  const { rows } = await site.db.execute<{ token: string }>(sql`
    select token from cache_leases where token is not null`)
  return rows.map(({ token }) => token)
}

export const fresh = { 'cache-control': 'max-age=60' }

/** A body whose chunks the test sends itself. */
export function stream() {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given
    },
    cancel() {
      isCancelled = true
    },
  })
  return {
    body,
    push: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    close: () => controller.close(),
    fail: () => controller.error(new Error('cut off')),
    get isCancelled() {
      return isCancelled
    },
  }
}
