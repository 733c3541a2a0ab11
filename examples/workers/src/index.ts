/** Stars of GitHub repositories. GitHub is asked once an hour for all visitors, and again after its webhook. */
import { env, waitUntil } from 'cloudflare:workers'
import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import { cached, createCache } from 'pgstash'
import { scheduledCleanup } from 'pgstash/cron'
import { responseCache } from 'pgstash/hono'

declare global {
  namespace Cloudflare {
    interface Env {
      DATABASE_URL: string
      GITHUB_API: string
      HOOK_SECRET: string
    }
  }
}

// One cache for all requests of an isolate. If the database is unreachable, each request asks GitHub.
const cache = createCache.fromEnv(env, { onError: 'miss', waitUntil })

const tag = (repository: string) => `repository:${repository}`

// After an hour, visitors get the stale number while one request refreshes it in the background.
const stars = cached(
  async (repository: string) => {
    const headers = { 'user-agent': 'pgstash-example' }
    const response = await fetch(`${env.GITHUB_API}/repos/${repository}`, { headers })
    if (!response.ok) throw new Error(`GitHub answered with status ${response.status}.`)
    const { stargazers_count } = await response.json<{ stargazers_count: number }>()
    return { repository, stars: stargazers_count, readAt: new Date().toISOString() }
  },
  { cache, key: 'stars', expiration: '1h', stale: '1d', tags: (repository) => [tag(repository)] },
)

const app = new Hono()

app.get('/stars/:owner/:name', async (c) => c.json(await stars(`${c.req.param('owner')}/${c.req.param('name')}`)))

// The cache stores whole responses, too. Their tags come from the Cache-Tag field.
app.get('/badge/:owner/:name', responseCache({ cache }), async (c) => {
  const repository = `${c.req.param('owner')}/${c.req.param('name')}`
  const { stars: count } = await stars(repository)
  return c.html(`<p>★ ${count}</p>`, 200, { 'cache-control': 'max-age=60', 'cache-tag': tag(repository) })
})

// After this write, no visitor gets an older number, wherever it was stored.
app.post('/hook', bearerAuth({ token: env.HOOK_SECRET }), async (c) => {
  const { repository } = await c.req.json<{ repository: { full_name: string } }>()
  await cache.invalidate(tag(repository.full_name))
  return c.body(null, 204)
})

export default { fetch: app.fetch, scheduled: scheduledCleanup(cache) }
