/** The server of the recipe for Bun, with its routes in place of `fetch`. */
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { handler } from './handler.ts'

const cache = createCache(drizzle(process.env.DATABASE_URL ?? ''))

const cached = withResponseCache(
  async (request: Request & { readonly params?: { readonly name: string } }) => {
    const response = await handler(request)
    response.headers.set('x-name', request.params?.name ?? 'none')
    return response
  },
  { cache, waitUntil: (work) => void work.catch(console.error) },
)

Bun.serve({ routes: { '/:name': { GET: cached, PUT: cached }, '/': { GET: cached } } })
