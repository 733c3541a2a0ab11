/** A Worker with `rateLimit` of `pgstash/fetch`, like a program on Cloudflare. Bundled by runtimes.test.ts. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, createCache } from 'pgstash'
import { addressKey, rateLimit } from 'pgstash/fetch'

interface Env {
  ENDPOINT: string
  DATABASE_URL: string
}
interface Socket {
  accept(): void
  addEventListener(type: 'message', listener: (event: { data: string }) => void): void
  send(text: string): void
}
declare const WebSocketPair: new () => [client: unknown, server: Socket]

let shared: Cache | undefined
function cacheOf(env: Env): Cache {
  neonConfig.fetchEndpoint = () => env.ENDPOINT
  shared ??= createCache(drizzle(neon(env.DATABASE_URL)), { timeout: 60_000 })
  return shared
}

const PAGES: Record<string, () => Response | Promise<Response>> = {
  '/redirect': () => Response.redirect('https://example.com/elsewhere', 302),
  // workerd would compress these bytes again if a copy lost `encodeBody`.
  async '/zipped'() {
    const zipped = await new Response(
      new Blob(['zipped']).stream().pipeThrough(new CompressionStream('gzip')),
    ).arrayBuffer()
    return new Response(zipped, { encodeBody: 'manual', headers: { 'content-encoding': 'gzip' } } as ResponseInit)
  },
  '/socket'() {
    const [client, server] = new WebSocketPair()
    server.accept()
    server.addEventListener('message', ({ data }) => server.send(`echo ${data}`))
    return new Response(null, { status: 101, webSocket: client } as ResponseInit)
  },
}

export default {
  fetch: rateLimit(
    async (request: Request, _env: Env) => PAGES[new URL(request.url).pathname]?.() ?? new Response('welcome'),
    {
      cache: (_request, env) => cacheOf(env),
      limit: 50,
      period: '1m',
      key: (request) => addressKey(request.headers.get('cf-connecting-ip')),
      timeout: 60_000,
    },
  ),
}
