/** The contract with the versions of peers that are installed beside this file. */
import { PGlite } from '@electric-sql/pglite'
import { neon, neonConfig } from '@neondatabase/serverless'
import { metrics } from '@opentelemetry/api'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { Hono } from 'hono'
import pg from 'pg'
import { createCache, type Database, memoryCache } from 'pgstash'
import { basic, cacheAdmin } from 'pgstash/admin'
import { type LocalNeon, startLocalNeon } from 'pgstash/dev'
import { responseCache } from 'pgstash/hono'
import { openTelemetryListener } from 'pgstash/telemetry'
import { cacheContract } from 'pgstash/testing'
import { afterAll, describe, expect, it, vi } from 'vitest'
// @ts-expect-error copied beside this file
import { lazily } from './lazily.ts'
// @ts-expect-error copied beside this file
import { postgresStore } from './postgres-store.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const closing: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closing) await close()
})

const endpoints = new Map<string, string>()
neonConfig.fetchEndpoint = (_host: string, port: string | number) => endpoints.get(String(port)) ?? ''

async function neonOver(database: string): Promise<Database> {
  const local: LocalNeon = await startLocalNeon({ database })
  closing.push(() => local.close())
  endpoints.set(String(local.port), local.endpoint)
  return drizzleNeon({ client: neon(local.connectionString) })
}

const drivers: Record<string, () => Promise<Database>> = {
  'neon-http on PGlite': () => neonOver('pglite'),
  'neon-http on a real server': () => neonOver(process.env.SERVER_1 ?? ''),
  'node-postgres': async () => {
    const client = new pg.Pool({ connectionString: process.env.SERVER_2 })
    closing.push(() => client.end())
    return drizzlePg({ client })
  },
  pglite: async () => {
    const client = new PGlite()
    closing.push(() => client.close())
    return drizzlePglite({ client })
  },
}

for (const [name, connect] of Object.entries(drivers)) {
  describe(name, () =>
    cacheContract(
      { describe, it, expect },
      lazily(async () => postgresStore(await connect())),
    ),
  )
}

it('serves a stored response and the admin pages with Hono', async () => {
  const client = new pg.Pool({ connectionString: process.env.SERVER_2 })
  closing.push(() => client.end())
  const cache = createCache(drizzlePg({ client }))
  await cache.clear()
  const app = new Hono()
  app.route('/cache', cacheAdmin({ cache, authorize: basic({ user: 'ada', password: 'a-long-password-of-tests' }) }))
  app.use(responseCache({ cache }))
  app.get('/', (c) => c.text('hello', 200, { 'cache-control': 'max-age=60' }))
  const statuses = []
  for (const _ of ['miss', 'hit']) {
    const response = await app.request('https://example.com/')
    statuses.push([await response.text(), response.headers.get('cache-status')?.split(';')[1]?.trim()])
  }
  expect(statuses).toEqual([
    ['hello', 'fwd=uri-miss'],
    ['hello', 'hit'],
  ])
  expect((await app.request('https://example.com/cache/')).status).toBe(401)
  const authorization = `Basic ${btoa('ada:a-long-password-of-tests')}`
  const address = 'https://example.com/cache/'
  const redirect = await app.request(address, { headers: { authorization } })
  const page = new URL(redirect.headers.get('location') ?? '', address).href
  expect((await app.request(page, { headers: { authorization } })).status).toBe(200)
})

it('reports to a meter of OpenTelemetry', async () => {
  const cache = memoryCache({ onEvent: openTelemetryListener(metrics.getMeter('shop')) })
  await cache.set('key', 1)
  expect(await cache.get('key')).toBe(1)
})
