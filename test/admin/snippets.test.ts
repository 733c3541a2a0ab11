import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { withAdmin } from '../../docs/snippets/admin/own-login.ts'
import worker from '../../docs/snippets/admin/worker.ts'
import { shopCache } from '../../docs/snippets/telemetry/history.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { createSite, type Site } from './site.ts'

// A module that exists only in workerd.
vi.mock('cloudflare:workers', () => ({ waitUntil: () => {} }))

const PASSWORD = 'a password of the test'
const credentials = { authorization: `Basic ${btoa(`ada:${PASSWORD}`)}` }

let site: Site

beforeAll(async () => {
  site = await createSite()
})

beforeEach(() => site.empty())

afterEach(() => vi.unstubAllEnvs())

it('worker.ts admits nobody who has not passed Access, and serves its own pages', async () => {
  const env = { DATABASE_URL: site.server.connectionString }
  expect(await (await worker.request('/', {}, env)).text()).toMatch(/^Computed at/)
  const statuses = []
  for (const path of ['/cache', '/cache/overview', '/cache/entries'])
    statuses.push((await worker.request(path, {}, env)).status)
  expect(statuses).toEqual([403, 403, 403])
})

it('next.ts answers GET and POST, only with the right password', async () => {
  vi.stubEnv('DATABASE_URL', site.server.connectionString)
  vi.stubEnv('ADMIN_PASSWORD', PASSWORD)
  const { GET, POST } = await import('../../docs/snippets/admin/next.ts')
  const ask = async (handler: typeof GET, path: string, headers: Record<string, string>) =>
    (await handler(new Request(`https://example.com${path}`, { method: handler === GET ? 'GET' : 'POST', headers })))
      .status
  expect(await ask(GET, '/cache', {})).toBe(401)
  expect(await ask(GET, '/cache', credentials)).toBe(302)
  expect(await ask(GET, '/cache/overview', credentials)).toBe(200)
  expect(await ask(POST, '/cache/clean', credentials)).toBe(403)
})

it('next.ts loads without a password, as in a build, and then admits nobody', async () => {
  vi.stubEnv('DATABASE_URL', site.server.connectionString)
  vi.stubEnv('ADMIN_PASSWORD', '')
  vi.resetModules()
  const log = vi.spyOn(console, 'error').mockImplementation(() => {})
  cleanup(() => log.mockRestore())
  const { GET } = await import('../../docs/snippets/admin/next.ts')
  const answer = await GET(
    new Request('https://example.com/cache/overview', { headers: { authorization: 'Basic YWRhOg==' } }),
  )
  expect(answer.status).toBe(500)
  // The reason is written to the log.
  expect(await answer.text()).toContain('The details are in the server')
  expect(String(log.mock.calls)).toContain('Expected password to have at least 16 visible characters')
})

it('node.ts serves the pages, and stops password guessing', async () => {
  vi.stubEnv('DATABASE_URL', await createDatabase())
  vi.stubEnv('ADMIN_PASSWORD', PASSWORD)
  vi.stubEnv('PORT', '0')
  const { server } = await import('../../docs/snippets/admin/node.ts')
  cleanup(() => server.close())
  await eventually(() => expect(server.listening).toBe(true))
  const { port } = server.address() as AddressInfo
  const ask = async (headers: Record<string, string>) => {
    const response = await fetch(`http://127.0.0.1:${port}/cache/remove`, { headers })
    await response.text()
    return response.status
  }
  expect(await ask(credentials)).toBe(200)
  const guesses = Array.from({ length: 110 }, (_, i) => ask({ authorization: `Basic ${btoa(`ada:guess ${i}`)}` }))
  expect(new Set(await Promise.all(guesses))).toEqual(new Set([401, 429]))
})

it('own-login.ts distinguishes admins, support, customers and strangers', async () => {
  const app = withAdmin(new Hono(), site.cache(), async (cookie) =>
    cookie === undefined ? undefined : { role: cookie as 'admin' },
  )
  const ask = (role?: string) => app.request('/cache/entries', { headers: role === undefined ? {} : { cookie: role } })
  const stranger = await ask()
  expect([stranger.status, stranger.headers.get('location')]).toEqual([302, '/login'])
  expect((await ask('customer')).status).toBe(403)
  expect(await (await ask('support')).text()).toContain('read-only')
  expect(await (await ask('admin')).text()).toContain('href="./remove"')
})

it('history.ts records under its name', async () => {
  const { cache, history } = shopCache(site.db)
  await cache.get('missing')
  await history.flush()
  const { rows } = await site.db.execute<{ name: string; misses: string }>('select name, misses from cache_history')
  expect(rows).toEqual([{ name: 'shop', misses: '1' }])
})
