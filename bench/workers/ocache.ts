import { createMemoryStorage, defineCachedHandler } from 'ocache'
import { page } from './app.ts'

const storage = createMemoryStorage()

function handler({ req }: { req: Request }): Response {
  const name = new URL(req.url).pathname.split('/').at(-1) ?? ''
  const headers = { 'content-type': 'text/html; charset=UTF-8', 'cache-control': 'public, max-age=3600' }
  return new Response(page(name), { headers })
}

const cached = defineCachedHandler(handler, { storage, maxAge: 3_600 })

export default { fetch: (req: Request) => cached({ req }) }
