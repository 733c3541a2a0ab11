import { sql } from 'drizzle-orm'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { age, createApp, createSite, emptied, type Site } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const BODY = 'x'.repeat(100_000)
/** Protocol fields, ids and instants. Without them the size shows whether a body of 100 kB was transferred. */
const BODY_MOVED = 100_000

type Kind = [
  name: string,
  requests: number,
  sent: boolean,
  received: boolean,
  (app: ReturnType<typeof site100>) => Promise<unknown>,
]

function site100() {
  const app = createApp(
    site,
    (c) => {
      const headers: Record<string, string> = {
        'cache-control': 'max-age=60',
        etag: '"1"',
        vary: c.req.path === '/vary' ? 'Accept-Language' : '',
      }
      if (headers.vary === '') delete headers.vary
      if (c.req.path === '/private') headers['cache-control'] = 'private'
      if (c.req.path === '/no-cache') headers['cache-control'] = 'no-cache, max-age=60'
      if (c.req.path === '/sliding') delete headers['cache-control']
      return c.req.header('if-none-match') === '"1"' ? c.body(null, 304, headers) : c.text(BODY, 200, headers)
    },
    { stale: '10s', expiration: '60s', sliding: true, refresh: (request) => app.app.fetch(request) },
  )
  return app
}

const before = async (app: ReturnType<typeof site100>, path: string, ms = 0, init: RequestInit = {}) => {
  await app.fetch(path, init)
  if (ms > 0) await age(site, ms)
  site.faults.reset()
}
const en = { headers: { 'accept-language': 'en' } }

const KINDS: Kind[] = [
  ['miss', 2, true, false, (app) => app.fetch('/a')],
  ['hit', 1, false, true, async (app) => [await before(app, '/a'), await app.fetch('/a')]],
  [
    'hit, one of several variants',
    1,
    false,
    true,
    async (app) => [await before(app, '/vary', 0, en), await app.fetch('/vary', en)],
  ],
  [
    'hit, sliding, touch due',
    1,
    false,
    true,
    async (app) => [await before(app, '/sliding', 40_000), await app.fetch('/sliding')],
  ],
  [
    'hit, 304',
    1,
    false,
    false,
    async (app) => [await before(app, '/a'), await app.fetch('/a', { headers: { 'if-none-match': '"1"' } })],
  ],
  ['hit, HEAD', 1, false, false, async (app) => [await before(app, '/a'), await app.fetch('/a', { method: 'HEAD' })]],
  [
    'hit, a range',
    1,
    false,
    false,
    async (app) => [await before(app, '/a'), await app.fetch('/a', { headers: { range: 'bytes=0-9' } })],
  ],
  ['miss, HEAD', 1, false, false, (app) => app.fetch('/a', { method: 'HEAD' })],
  ['stale, handler says 304', 2, false, true, async (app) => [await before(app, '/a', 80_000), await app.fetch('/a')]],
  [
    'stale, handler and cache say 304',
    2,
    false,
    false,
    async (app) => [await before(app, '/a', 80_000), await app.fetch('/a', { headers: { 'if-none-match': '"1"' } })],
  ],
  [
    'no-cache, handler says 304',
    2,
    false,
    true,
    async (app) => [await before(app, '/no-cache'), await app.fetch('/no-cache')],
  ],
  ['stale while revalidating', 2, false, true, async (app) => [await before(app, '/a', 61_000), await app.fetch('/a')]],
  ['uncacheable', 2, false, false, (app) => app.fetch('/private')],
  [
    'uncacheable, again within 5 s',
    1,
    false,
    false,
    async (app) => [await before(app, '/private'), await app.fetch('/private')],
  ],
  ['unsafe', 1, false, false, async (app) => [await before(app, '/a'), await app.fetch('/a', { method: 'POST' })]],
  [
    'request for a WebSocket',
    0,
    false,
    false,
    (app) => app.fetch('/a', { headers: { connection: 'Upgrade', upgrade: 'websocket' } }),
  ],
]

const table: string[] = []

it.each(KINDS)(
  'a %s costs %i database requests; sends the body: %s, receives it: %s',
  async (name, requests, sends, receives, run) => {
    // The first statement in a fresh database costs more, so send one that is not measured.
    await site.db.execute(sql`select 1`)
    site.faults.reset()
    await run(site100())
    const { bytesIn, bytesOut } = site.faults
    table.push(
      `${name.padEnd(34)} ${site.faults.requests} requests  ${String(bytesIn).padStart(7)} B to  ${String(bytesOut).padStart(7)} B from`,
    )
    expect(site.faults.requests).toBe(requests)
    expect([bytesIn > BODY_MOVED, bytesOut > BODY_MOVED]).toEqual([sends, receives])
    if (name === KINDS.at(-1)?.[0]) console.log(`With a body of 100,000 bytes:\n${table.join('\n')}`)
  },
)
