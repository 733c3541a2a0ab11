/**
 * The cost of each operation over HTTP, as a table that does not depend on the machine. A change that makes an
 * operation dearer shows in the table's diff. `npx vitest run test/postgres/costs.test.ts -u` regenerates the table.
 */
import { neonConfig } from '@neondatabase/serverless'
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { migrate } from 'pgstash/migrate'
import { afterAll, expect, it } from 'vitest'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

/** The bodies of all requests to the database since the last call. */
const bodies: string[] = []
neonConfig.fetchFunction = (url: string, init: RequestInit) => {
  // The compute time has a varying number of digits.
  bodies.push(
    String(init.body)
      .replace(/"\d+\.\d+"/g, '"0.0"')
      .replace(/"Hello","\d+"/, '"Hello","0"'),
  )
  return fetch(url, init)
}
afterAll(() => {
  neonConfig.fetchFunction = undefined
})

const VALUE = { id: 42, name: 'Ada Lovelace', admin: true }

it('sends as many requests, statements and bytes as recorded', async () => {
  const { db } = await createNeon(await createDatabase())
  await migrate(db)
  const cache = createCache(db, { namespace: 'shop', expiration: '1h', timeout: 60_000 })
  const app = new Hono()
    .use(responseCache({ cache, expiration: '10m', sliding: false }))
    .get('/:page', (c) => c.text('Hello'))
  const visit = async (path: string, init?: RequestInit) =>
    (await app.request(`https://shop.example${path}`, init)).text()
  await cache.setMany({ user: VALUE, counter: 1, tagged: VALUE })
  await cache.set('tagged', VALUE, { tags: ['users', 'user:42'] })
  await cache.limit('calls', { limit: 100, period: '1h' })
  await visit('/kept')

  const operations: Record<string, () => Promise<unknown>> = {
    'get, a hit': () => cache.get('user'),
    'get, a miss': () => cache.get('nobody'),
    'get, a hit with two tags': () => cache.get('tagged'),
    'get, sliding, not due': () => cache.get('user', { sliding: '30m' }),
    'get, sliding, due': () => cache.get('user', { sliding: '2h' }),
    '20 gets in one tick': () => Promise.all(Array.from({ length: 20 }, (_, i) => cache.get(`user:${i + 10}`))),
    'getMany of 50': () => cache.getMany(Array.from({ length: 50 }, (_, i) => `user:${i + 10}`)),
    has: () => cache.has('user'),
    expiration: () => cache.expiration('user'),
    'getOrSet, a hit': () => cache.getOrSet('user', () => VALUE),
    'getOrSet, a hit with two tags': () => cache.getOrSet('tagged', () => VALUE),
    'getOrSet, a miss': () => cache.getOrSet('new', () => VALUE),
    'getOrSet, a hit, sliding': () => cache.getOrSet('user', () => VALUE, { sliding: true }),
    set: () => cache.set('user', VALUE),
    'set with two tags': () => cache.set('tagged', VALUE, { tags: ['users', 'user:42'] }),
    'setMany of 50': () => cache.setMany(Array.from({ length: 50 }, (_, i) => [`user:${i + 10}`, VALUE])),
    add: () => cache.add('user', VALUE),
    touch: () => cache.touch('user', '1h'),
    increment: () => cache.increment('counter'),
    limit: () => cache.limit('calls', { limit: 100, period: '1h' }),
    'limit, refused': () => cache.limit('calls', { limit: 1, period: '1h' }),
    'limit, sliding window': () => cache.limit('sliding', { limit: 9, period: '1h', algorithm: 'sliding-window' }),
    'limit, token bucket': () =>
      cache.limit('bucket', { limit: 9, period: '1h', algorithm: 'token-bucket', refill: 3 }),
    'limit, a look': () => cache.limit('calls', { limit: 100, period: '1h', cost: 0 }),
    pull: () => cache.pull('new'),
    delete: () => cache.delete('user'),
    'deleteMany of 50': () => cache.deleteMany(Array.from({ length: 50 }, (_, i) => `user:${i + 10}`)),
    'invalidate two tags': () => cache.invalidate(['users', 'user:42']),
    count: () => cache.count(),
    stats: () => cache.stats(),
    list: () => cache.list(),
    clearExpired: () => cache.clearExpired(),
    'response, a hit': () => visit('/kept'),
    'response, a hit answered with 304': () =>
      visit('/kept', { headers: { 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT' } }),
    'response, a miss': () => visit('/new!'),
    clear: () => cache.clear(),
  }
  const rows: string[] = []
  for (const [name, run] of Object.entries(operations)) {
    bodies.length = 0
    await run()
    const statements = bodies.map((body) => /\bfrom \\"cache_(\w+)_[0-9a-f]{8}\\"\(/.exec(body)?.[1] ?? 'inline')
    const bytes = bodies.map((body) => Buffer.byteLength(body)).join(' + ')
    rows.push(`| ${name} | ${bodies.length} | ${statements.join(', ')} | ${bytes} |`)
  }
  const table = [
    '| operation | requests | statements | bytes of the bodies |',
    '|---|---:|---|---:|',
    ...rows,
    '',
  ].join('\n')
  await expect(table).toMatchFileSnapshot('./costs.md')
})
