/**
 * A Worker behind both forms of the response cache, and without one. Bundled by in-workerd.ts. The first segment of a
 * path selects the form.
 */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { type Cache, createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { responseCache } from 'pgstash/hono'

export interface WorkerEnv {
  ENDPOINT: string
  DATABASE_URL: string
  ORIGIN: string
  /** Bodies in base64. */
  BODIES: Record<string, string>
}

interface WorkerContext {
  waitUntil(work: Promise<unknown>): void
}

/** The requests that the handlers received, by path. */
const runs = new Map<string, object[]>()

let cache: Cache | undefined
const cacheOf = ({ ENDPOINT, DATABASE_URL }: WorkerEnv): Cache => {
  neonConfig.fetchEndpoint = () => ENDPOINT
  cache ??= createCache(drizzle(neon(DATABASE_URL)), { timeout: 60_000 })
  return cache
}

async function handler(request: Request, env: WorkerEnv): Promise<Response> {
  const url = new URL(request.url)
  const seen = runs.get(url.pathname) ?? []
  runs.set(url.pathname, [...seen, { headers: Object.fromEntries(request.headers), cf: Reflect.get(request, 'cf') }])
  const [, , name = '', ...rest] = url.pathname.split('/')
  const make = handlers[name]
  return make === undefined
    ? new Response('no handler', { status: 404 })
    : make(url, env, rest.join('/'), seen.length, request)
}

type Make = (url: URL, env: WorkerEnv, rest: string, run: number, request: Request) => Response | Promise<Response>

const fresh = { 'cache-control': 'max-age=60' }
const redirect = new Response(null, { status: 301, headers: { ...fresh, location: '/elsewhere' } })

function streamOf(chunks: unknown[]): Response {
  const pull = (to: ReadableStreamDefaultController) => {
    const chunk = chunks.shift()
    if (chunk === undefined) to.close()
    else to.enqueue(chunk)
  }
  return new Response(new ReadableStream({ pull }), { headers: fresh })
}

const handlers: Record<string, Make> = {
  /** The body and the headers that the query asks for. */
  body({ searchParams }, env) {
    const { body = '', encode, status = '200', ...headers } = Object.fromEntries(searchParams)
    const text = env.BODIES[body]
    const bytes = text === undefined ? null : Uint8Array.from(atob(text), (each) => each.charCodeAt(0))
    const init = { status: Number(status), headers: { ...fresh, ...headers } }
    return new Response(bytes, { ...init, ...(encode === 'manual' ? { encodeBody: 'manual' } : {}) })
  },
  /** The response of fetch(), unchanged. */
  origin: ({ search }, { ORIGIN }, path) => fetch(`${ORIGIN}/${path}${search}`),
  /** Returns the request, so that a response to the wrong client is noticed. */
  echo: (_url, _env, _rest, _run, { url, headers }) =>
    new Response(`${url} of ${headers.get('host')}.`, { headers: fresh }),
  constant: () => redirect,
  error: () => Response.error(),
  redirect: () => Response.redirect('https://example.com/elsewhere', 301),
  version: (_url, _env, _rest, run) =>
    new Response(`v${run + 1}`, { headers: { 'cache-control': 'max-age=60, stale-while-revalidate=3600' } }),
  chunks() {
    const bytes = new TextEncoder().encode('--part ')
    return streamOf([bytes.slice(2), bytes.slice(2).buffer, new DataView(bytes.buffer, 2), new Uint8Array(), 'text'])
  },
  number: () => streamOf([new TextEncoder().encode('part'), 42]),
  cookies() {
    const headers = new Headers({ ...fresh, 'x-name': 'caf\u00e9' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    return new Response('page', { headers })
  },
  socket() {
    const { 0: client, 1: server } = new (
      globalThis as unknown as { WebSocketPair: new () => WebSocket[] }
    ).WebSocketPair()
    ;(server as unknown as { accept(): void }).accept()
    server?.send('hello')
    server?.close()
    return new Response(null, { status: 101, webSocket: client } as ResponseInit)
  },
}

const wrapped = withResponseCache(
  (request: Request, env: WorkerEnv, _context: WorkerContext) => handler(request, env),
  { cache: (_request, env) => cacheOf(env), storeSetCookie: true },
)

const app = new Hono<{ Bindings: WorkerEnv }>()
app.use(
  responseCache({
    cache: (c) => cacheOf(c.env as WorkerEnv),
    storeSetCookie: true,
    refresh: (request, c) => app.fetch(request, c.env as WorkerEnv, c.executionCtx),
  }),
)
app.all('*', (c) => handler(c.req.raw, c.env))

export default {
  fetch(request: Request, env: WorkerEnv, context: WorkerContext): Response | Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/runs') return Response.json(runs.get(searchParams.get('path') ?? '') ?? [])
    const [, form] = pathname.split('/')
    // As Cloudflare passes it.
    const given = new Request(request, { cf: { colo: 'AMS' } } as RequestInit)
    if (form === 'Hono') return app.fetch(given, env, context as never)
    return form === 'fetch' ? wrapped(given, env, context) : handler(given, env)
  },
}
