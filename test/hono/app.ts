/** A Hono application behind a response cache, on a real server through HTTP. */
import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { type Context, Hono } from 'hono'
import { createCache } from 'pgstash'
import { type ResponseCacheOptions, responseCache } from 'pgstash/hono'
import { createSite, type Site } from '../fill/clients.ts'

export { createSite, type Site }

type Handler = (c: Context) => Response | Promise<Response>

/** What answers, and how often it was asked. */
export function createApp(site: Site, handler: Handler, options: Partial<ResponseCacheOptions> = {}) {
  const calls: Request[] = []
  const background: Promise<unknown>[] = []
  const app = new Hono()
  app.use(
    responseCache({
      // Of its own: nothing is shared but the database, as between isolates.
      cache: createCache(drizzle(neon(site.server.connectionString)), { timeout: 10_000 }),
      waitUntil: (work) => void background.push(work),
      ...options,
    }),
  )
  app.all('*', (c) => {
    calls.push(c.req.raw)
    return handler(c)
  })
  return {
    app,
    calls,
    /** The response, once everything behind it has ended. */
    async fetch(path: string, init: RequestInit = {}): Promise<Response & { text: () => Promise<string> }> {
      const url = path.startsWith('http') ? path : `https://example.com${path}`
      const response = await app.fetch(new Request(url, init))
      const body = await response.clone().arrayBuffer()
      await Promise.all(background.splice(0))
      return new Response([101, 204, 205, 304].includes(response.status) ? null : body, response)
    },
    background,
  }
}

export const status = (response: Response) => response.headers.get('cache-status')
