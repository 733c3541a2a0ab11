/** A Hono application behind a response cache that all requests of an isolate share, as people write it. */
import { type Context, Hono } from 'hono'
import { type Cache, createCache } from 'pgstash'
import { purge, responseCache } from 'pgstash/hono'
import { database, type ProbeEnv } from './probe.ts'

type Env = { Bindings: ProbeEnv }

let cache: Cache | undefined
let made = 0
const cacheOf = (c: Context<Env>) => (cache ??= createCache(database(c.env)))

const app = new Hono<Env>()
app.use('/front', async (c, next) => {
  c.header('x-account', c.req.header('x-user') ?? 'nobody')
  c.header('set-cookie', `session=${c.req.header('x-user')}`)
  await next()
})
app.use(
  responseCache({
    cache: (c) => cacheOf(c as Context<Env>),
    exclude: ['/purge'],
    refresh: (request, c) => app.fetch(request, c.env, c.executionCtx),
  }),
)
app.get('/purge', async (c) =>
  c.json(await purge(cacheOf(c), { prefixes: [`${new URL(c.req.url).origin}/`], soft: true })),
)
app.get('/stream', (c) => {
  const parts = ['first ', 'second ', 'third']
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const part = parts.shift()
      if (part === undefined) controller.close()
      else {
        await new Promise((resolve) => setTimeout(resolve, 50))
        controller.enqueue(new TextEncoder().encode(part))
      }
    },
  })
  return c.body(body, 200, { 'cache-control': 'max-age=60' })
})
app.get('/front', () => new Response('page', { headers: { 'cache-control': 'max-age=60' } }))
app.get('/chunks', () => {
  // Chunks of every type that some runtime accepts.
  const bytes = new TextEncoder().encode('--part ')
  const chunks = [bytes.slice(2), bytes.slice(2).buffer, new DataView(bytes.buffer, 2), 'text']
  const body = new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift()
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    },
  })
  return new Response(body, { headers: { 'cache-control': 'max-age=60' } })
})
app.get('/endless', (c) => {
  // Bytes until somebody stops it.
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      controller.enqueue(new TextEncoder().encode('more '))
    },
  })
  return c.body(body, 200, { 'cache-control': 'max-age=60' })
})
app.get('/slow', async (c) => {
  await new Promise((resolve) => setTimeout(resolve, 300))
  return c.text(`made ${++made}`, 200, { 'cache-control': 'max-age=60' })
})
app.get('/private', async (c) => {
  await new Promise((resolve) => setTimeout(resolve, 100))
  return c.text(c.req.query('own') ?? '', 200, { 'cache-control': 'private' })
})
app.get('*', (c) =>
  c.text(`made ${++made}`, 200, { 'cache-control': 'max-age=60, stale-while-revalidate=60', etag: `"${made}"` }),
)

export default app
