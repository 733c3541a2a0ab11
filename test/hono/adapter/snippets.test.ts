import type { Context } from 'hono'
import { Hono } from 'hono'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { behindProxies, inNode, onCloudflare, onVercel } from '../../../docs/snippets/rate-limit/addresses.ts'
import onContext from '../../../docs/snippets/rate-limit/context.ts'
import { api as withPackage } from '../../../docs/snippets/rate-limit/hono-rate-limiter.ts'
import { login } from '../../../docs/snippets/rate-limit/login.ts'
import { pages } from '../../../docs/snippets/rate-limit/own-answer.ts'
import { type Env, perUser } from '../../../docs/snippets/rate-limit/users.ts'
import { api as withWindows } from '../../../docs/snippets/rate-limit/windows.ts'
import worker from '../../../docs/snippets/rate-limit/worker.ts'
import { createStash, members, statuses } from '../../rate-limit/limits.ts'
import { createDatabase } from '../../setup/databases.ts'
import { advance } from '../../setup/postgres-store.ts'

// A busy machine may exceed the default timeouts, and a limit that fails open then passes requests uncounted.
vi.mock('../../../src/values/defaults.ts', async (original) => ({
  ...(await original<object>()),
  DEFAULT_TIMEOUT_MS: 60_000,
}))
vi.mock('../../../src/rate-limit/options.ts', async (original) => {
  const { parseRateLimitOptions, ...others } = await original<typeof import('../../../src/rate-limit/options.ts')>()
  const patient = (options: Parameters<typeof parseRateLimitOptions>[0]) =>
    parseRateLimitOptions({ timeout: 60_000, ...options })
  return { ...others, parseRateLimitOptions: patient }
})

let stash: Awaited<ReturnType<typeof createStash>>
let cache: Cache

beforeAll(async () => {
  stash = await createStash(await createDatabase())
  cache = stash.cache
  await migrate(stash.db)
})

beforeEach(async () => {
  stash.faults.heal()
  await cache.clear()
})

const key = () => 'client'

it('worker.ts counts per network, by the client address from Cloudflare', async () => {
  const call = (address: string) =>
    worker.request(
      '/api/hello',
      { headers: { 'cf-connecting-ip': address } },
      { DATABASE_URL: stash.server.connectionString },
    )
  const left = []
  for (const address of ['192.0.2.1', '192.0.2.1', '2001:db8::1', '2001:db8::2']) {
    const answer = await call(address)
    expect([answer.status, await answer.json()]).toEqual([200, { hello: 'world' }])
    left.push(members(answer, 'ratelimit')[0]?.[1].r)
  }
  expect(left).toEqual([99, 98, 99, 98])
})

it('context.ts serves computed values, including stale ones', async () => {
  const page = async () => (await onContext.request('/', {}, { DATABASE_URL: stash.server.connectionString })).text()
  const computed = await page()
  expect(computed).toMatch(/^Computed at \d{4}/)
  expect(await page()).toBe(computed)
})

describe('addresses.ts', () => {
  const keyOf = async (from: (c: Context) => string, headers: Record<string, string>, env = {}) => {
    const app = new Hono().get('/', (c) => c.text(from(c))).onError((error, c) => c.text(error.name))
    return (await app.request('/', { headers }, env)).text()
  }

  it('reads the address that each platform sets', async () => {
    expect(await keyOf(onCloudflare, { 'cf-connecting-ip': '192.0.2.1' })).toBe('192.0.2.1')
    expect(await keyOf(onVercel, { 'x-real-ip': '192.0.2.1' })).toBe('192.0.2.1')
    const incoming = { socket: { remoteAddress: '::ffff:192.0.2.1' } }
    expect(await keyOf(inNode, {}, { incoming })).toBe('192.0.2.1')
  })

  it('reads the address from the proxy, not from the client, behind proxies', async () => {
    expect(await keyOf(behindProxies, { 'x-forwarded-for': '198.51.100.7, 192.0.2.1' })).toBe('192.0.2.1')
    expect(await keyOf(behindProxies, { 'x-forwarded-for': '192.0.2.1' })).toBe('192.0.2.1')
  })

  it('finds no address on another platform', async () => {
    const forged = { 'x-forwarded-for': '198.51.100.7' }
    expect([await keyOf(onCloudflare, forged), await keyOf(onVercel, forged)]).toEqual(Array(2).fill('InvalidKeyError'))
    expect(await keyOf(behindProxies, {})).toBe('InvalidKeyError')
  })
})

it('users.ts limits by plan, keeps the count after an upgrade, and does not count colleagues', async () => {
  const app = new Hono<Env>()
    .use(async (c, next) => {
      const plan = (c.req.query('plan') ?? 'free') as Env['Variables']['user']['plan']
      c.set('user', { id: '42', plan })
      await next()
    })
    .use(perUser(cache))
    .get('/', (c) => c.text('welcome'))
  expect(new Set(await statuses(app, 60))).toEqual(new Set([200]))
  expect(await statuses(app, 1)).toEqual([429])
  const upgraded = await app.request('/?plan=pro')
  expect(members(upgraded, 'ratelimit')).toMatchObject([['hourly', { r: 5_000 - 62 }]])
  expect((await app.request('/?plan=internal')).headers.has('ratelimit')).toBe(false)
})

describe('login.ts', () => {
  let app: Hono

  beforeEach(() => {
    app = login({
      cache,
      address: (c) => c.req.header('x-address') ?? '192.0.2.1',
      isRight: async (email, password) => email === 'ada@example.com' && password === 'right',
    })
  })

  async function attempt(password: string, email = 'ada@example.com', address = '192.0.2.1'): Promise<number> {
    const body = new URLSearchParams({ email, password })
    return (await app.request('/login', { method: 'POST', body, headers: { 'x-address': address } })).status
  }

  async function attempts(times: number, ...args: Parameters<typeof attempt>): Promise<number[]> {
    const found: number[] = []
    for (let i = 0; i < times; i++) found.push(await attempt(...args))
    return found
  }

  it('allows five guesses for all spellings of an account, and does not lock out its owner', async () => {
    expect(await attempts(4, 'wrong')).toEqual([401, 401, 401, 401])
    expect(await attempts(2, 'wrong', ' ADA@example.com')).toEqual([401, 429])
    expect(await attempt('right')).toBe(429)
    expect(await attempt('right', 'ada@example.com', '198.51.100.1')).toBe(200)
    await advance(stash.db, 16 * 60_000)
    expect(await attempt('right')).toBe(200)
  })

  it('allows at most five parallel guesses', async () => {
    const found = await Promise.all(Array.from({ length: 20 }, () => attempt('wrong')))
    expect(found.filter((status) => status === 401)).toHaveLength(5)
  })

  it('forgets wrong passwords after the right one', async () => {
    expect(await attempts(4, 'wrong')).toEqual([401, 401, 401, 401])
    expect(await attempt('right')).toBe(200)
    expect(await attempts(5, 'wrong')).toEqual([401, 401, 401, 401, 401])
  })

  it('allows no guess while the database fails', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    stash.faults.always({ kind: 'error', status: 500 })
    expect(await attempt('right')).toBe(503)
    log.mockRestore()
  })
})

it('windows.ts applies two limits, and states both', async () => {
  const app = withWindows(cache, key)
  const answers = []
  for (let i = 0; i < 2; i++) answers.push(await app.request('/'))
  expect(answers.map((answer) => members(answer, 'ratelimit'))).toMatchObject([
    [
      ['burst', {}],
      ['daily', { r: 999 }],
    ],
    [
      ['burst', {}],
      ['daily', { r: 998 }],
    ],
  ])
  expect(members(answers[0] as Response, 'ratelimit-policy')).toEqual([
    ['burst', { q: 10, w: 1 }],
    ['daily', { q: 1_000, w: 86_400 }],
  ])
})

it('own-answer.ts sends a page of its own and logs, and admits users while the database fails', async () => {
  const [warn, error] = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')]
  for (const log of [warn, error]) log.mockImplementation(() => {})
  const app = new Hono().use(pages(cache, key)).get('/', (c) => c.text('welcome'))
  await app.request('/')
  await cache.set('rate-limit:pages:client', 300, { expiration: '5m' })
  const answer = await app.request('/')
  expect([answer.status, await answer.text()]).toEqual([429, expect.stringMatching(/Try again in \d+ seconds/)])
  expect(warn.mock.calls).toEqual([['refused', { path: '/', count: 301 }]])
  stash.faults.always({ kind: 'error', status: 500 })
  expect(await statuses(app, 1)).toEqual([200])
  expect(error).toHaveBeenCalledOnce()
  for (const log of [warn, error]) log.mockRestore()
})

it('hono-rate-limiter.ts counts in the database', async () => {
  const app = withPackage(createCache(stash.db), key)
  expect(await statuses(app, 2)).toEqual([200, 200])
  expect(await cache.namespace('api-limit').get('client:client')).toBe(2)
})
