/** Posts in files. Each is rendered once for all processes, and again after an editor has changed it. */
import { readFile, writeFile } from 'node:fs/promises'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { basicAuth } from 'hono/basic-auth'
import { getCookie, setCookie } from 'hono/cookie'
import { cached, createCache } from 'pgstash'

const { PASSWORD, PORT = '3000', POSTS = 'posts' } = process.env
if (!PASSWORD) throw new Error('Set PASSWORD, with which editors log in.')

// One cache for the process. Sessions must not read as absent during an outage, so errors are thrown.
const cache = createCache.fromEnv(process.env)

const post = cached(
  async (/** @type {string} */ slug) => {
    const text = await readFile(`${POSTS}/${slug}.txt`, 'utf8')
    return { slug, words: text.trim().split(/\s+/).length, text, renderedAt: new Date().toISOString() }
  },
  { cache, key: 'post', expiration: '1d', tags: (slug) => [`post:${slug}`] },
)

const app = new Hono()

app.get('/posts/:slug{[a-z-]+}', async (c) => c.json(await post(c.req.param('slug'))))

app.post('/login', basicAuth({ username: 'editor', password: PASSWORD }), async (c) => {
  const id = crypto.randomUUID()
  await cache.set(`session:${id}`, { user: 'editor' }, { expiration: '30m' })
  setCookie(c, 'session', id, { httpOnly: true, secure: true, sameSite: 'Strict', path: '/' })
  return c.body(null, 204)
})

app.put('/posts/:slug{[a-z-]+}', async (c) => {
  // Each read extends the session: it ends 30 minutes after the last request.
  const session = await cache.get(`session:${getCookie(c, 'session')}`, { sliding: '30m' })
  if (!session) return c.text('Log in first.', 401)
  await writeFile(`${POSTS}/${c.req.param('slug')}.txt`, await c.req.text())
  // From now on no process serves the old text, even if one is just rendering it.
  await cache.invalidate(`post:${c.req.param('slug')}`)
  return c.body(null, 204)
})

serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => console.log(`Ready on http://localhost:${port}`))
