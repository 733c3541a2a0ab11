/** Serves responses whose content only Bun knows, with a response cache and without one. Run by reports-bun.test.ts. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'

neonConfig.fetchEndpoint = () => process.env.ENDPOINT
const cache = createCache(drizzle(neon(process.env.DATABASE_URL)), { timeout: 60_000 })

const BODIES = {
  text: () => 'page',
  bytes: () => new TextEncoder().encode('page'),
  blob: () => new Blob(['page'], { type: 'text/html' }),
  form: () => new URLSearchParams({ a: 'b' }),
  file: () => Bun.file('LICENSE'),
  stream: () => new Blob(['page']).stream(),
  direct: () =>
    new ReadableStream({
      type: 'direct',
      async pull(to) {
        await to.write('pa')
        await to.write('ge')
        to.close()
      },
    }),
  iterator: async function* () {
    yield 'pa'
    yield 'ge'
  },
}

/** `/cached/text/max-age=60` is the body `text` with this Cache-Control, behind the cache. */
const app = new Hono()
app.use('/cached/*', responseCache({ cache }))
app.all('/:where/status/:status', (c) => c.text('', Number(c.req.param('status'))))
app.all('/:where/:body/:control', (c) => {
  const body = BODIES[c.req.param('body')]()
  const type = c.req.query('type')
  return new Response(body, {
    headers: { 'cache-control': c.req.param('control'), ...(type && { 'content-type': type }) },
  })
})

const { port } = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: app.fetch })
console.log(port)
