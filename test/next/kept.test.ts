/** Apps whose cache handlers are ours: built by Next, served by two instances on one database, and looked at in a browser. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { drizzle } from 'drizzle-orm/node-postgres'
import { type Cache, createCache } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { createFaults, type Faults } from 'pgstash/testing'
import { chromium } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { CHROMIUM_ARGS, chromiumPath } from '../setup/chromium.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { type App, createApp, type Site } from './next-app.ts'

/** Builds share two cores with other tests. */
const BUILD_MS = 600_000
const NOWHERE = {
  DATABASE_URL: 'postgresql://ada:secret@nowhere.invalid/shop',
  NEON_FETCH_ENDPOINT: 'http://127.0.0.1:9/sql',
}
const HANDLERS = {
  'next/cache-handler.mts': 'cache-handler.mjs',
  'next/incremental-handler.mts': 'incremental-handler.mjs',
}

interface Running {
  readonly one: Site
  readonly two: Site
  readonly cache: Cache
  readonly faults: Faults
}

/** Answers each request with another text. */
async function startOrigin(): Promise<string> {
  let calls = 0
  const server = createServer((_, response) => response.end(`call ${++calls}`))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function startTwo(app: App): Promise<Running> {
  const database = await createDatabase()
  const faults = createFaults()
  const local = await startLocalNeon({ database, intercept: faults })
  cleanup(() => local.close())
  const db = drizzle(createPool(database))
  await migrate(db)
  const variables = {
    DATABASE_URL: local.connectionString,
    NEON_FETCH_ENDPOINT: local.endpoint,
    ORIGIN: await startOrigin(),
  }
  const [one, two] = await Promise.all([app.start(variables), app.start(variables)])
  return { one, two, cache: createCache(db), faults }
}

async function revalidate(site: Site, body: object): Promise<void> {
  const response = await site.fetch('/api/revalidate', { method: 'POST', body: JSON.stringify(body) })
  expect(response.status).toBe(200)
}

/** The value that both instances answer with, once it is stored. Next stores it behind the answer. */
function sharedBy({ one, two }: Running, read: (site: Site) => Promise<string>): Promise<string> {
  return eventually(async () => {
    const value = await read(one)
    expect([await read(two), await read(one)]).toEqual([value, value])
    return value
  })
}
const shared = (running: Running, path: string) => sharedBy(running, (site) => site.read(path))
const data = async (site: Site) => (await site.fetch('/api/data')).text()

describe('an app of Next 16 with both handlers, built without a database', () => {
  let running: Running

  beforeAll(async () => {
    const app = await createApp(['kept'], HANDLERS)
    const { code, output } = await app.build(NOWHERE)
    if (code !== 0) throw new Error(`next build ended with ${code}: ${output}`)
    running = await startTwo(app)
  }, BUILD_MS)

  it.each(['/static', '/dynamic', '/items/1'])('keeps one value of %s for all instances', async (path) => {
    await shared(running, path)
  })

  it('reads one entry in one round trip', async () => {
    const { one, faults } = running
    await shared(running, '/dynamic')
    faults.reset()
    await one.read('/dynamic')
    const reads = faults.log.filter(({ sql }) => sql.some((text) => text.includes('read_marked')))
    // The shell of the page, and the function in it.
    expect(reads.length).toBeLessThanOrEqual(2)
    expect(faults.requests).toBe(reads.length)
  })

  it.each([
    ['/dynamic', { tag: 'dynamic' }],
    ['/static', { tag: 'static' }],
    ['/items/1', { path: '/items/1' }],
  ])('answers %s anew on every instance after %j was revalidated', async (path, body) => {
    const { one, two } = running
    const old = await shared(running, path)
    await revalidate(one, body)
    // A route handler answers before Next has called the handlers. From then on, no instance has the old value.
    await eventually(async () => expect(await two.read(path)).not.toBe(old))
    expect(await one.read(path)).not.toBe(old)
    expect(await shared(running, path)).not.toBe(old)
  })

  it('leaves other pages alone', async () => {
    const item = await shared(running, '/items/3')
    await revalidate(running.one, { tag: 'dynamic', path: '/items/1' })
    expect(await shared(running, '/items/3')).toBe(item)
  })

  it('answers with the old value once more after a revalidation with a lifetime', async () => {
    const { one, two } = running
    const old = await shared(running, '/dynamic')
    await revalidate(one, { tag: 'dynamic', profile: 'max' })
    expect(await two.read('/dynamic')).toBe(old)
    await eventually(async () => expect(await one.read('/dynamic')).not.toBe(old))
    await eventually(async () => expect(await two.read('/dynamic')).toBe(await one.read('/dynamic')))
  })

  it('refreshes what is past revalidate behind the answer', async () => {
    const { one } = running
    const old = await one.read('/remote')
    const renewed = await eventually(async () => {
      const value = await one.read('/remote')
      expect(value).not.toBe(old)
      return value
    })
    expect(renewed).toMatch(/^remote /)
  })

  it('keeps data of fetch for all instances until its tag is revalidated', async () => {
    const { one, two } = running
    const old = await sharedBy(running, data)
    await revalidate(two, { tag: 'data' })
    await eventually(async () => expect(await data(one)).not.toBe(old))
    expect(await data(two)).not.toBe(old)
    expect(await sharedBy(running, data)).not.toBe(old)
  })

  it('stores nothing of a draft, and shows nothing stored to it', async () => {
    const { one } = running
    const kept = await shared(running, '/dynamic')
    const cookie = (await one.fetch('/api/draft')).headers
      .getSetCookie()
      .map((each) => each.split(';')[0])
      .join('; ')
    const draft = await one.read('/dynamic', { headers: { cookie } })
    expect(draft).not.toBe(kept)
    expect(await shared(running, '/dynamic')).toBe(kept)
  })

  it('is told by the cache itself', async () => {
    const old = await shared(running, '/dynamic')
    await running.cache.invalidate('dynamic')
    expect(await shared(running, '/dynamic')).not.toBe(old)
  })

  it('answers without its database, and with it again', async () => {
    const { one, faults } = running
    faults.always({ kind: 'reset' })
    const [first, second] = [await one.read('/dynamic'), await one.read('/dynamic')]
    expect(first).not.toBe(second)
    faults.heal()
    await eventually(async () => expect(await one.read('/dynamic')).toBe(await one.read('/dynamic')))
  })

  it.skipIf(chromiumPath === undefined)(
    'shows a user what their own action revalidated, and then everybody',
    async () => {
      const { one, two } = running
      const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: CHROMIUM_ARGS })
      cleanup(() => browser.close())
      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(error.message))
      await page.goto(`${one.url}/dynamic`)
      const report = page.locator('p')
      const old = await report.textContent()
      await page.getByRole('button').click()
      await expect.poll(() => report.textContent()).not.toBe(old)
      expect(await report.textContent()).toMatch(/^dynamic /)
      const others = await browser.newPage()
      await others.goto(`${two.url}/dynamic`)
      expect(await others.locator('p').textContent()).toBe(await report.textContent())
      expect(complaints).toEqual([])
    },
  )
})

describe('an app of Next 15.5 with both handlers, built without a database', () => {
  let running: Running

  beforeAll(async () => {
    const app = await createApp(['kept-15'], HANDLERS, 'next-15')
    const { code, output } = await app.build(NOWHERE)
    if (code !== 0) throw new Error(`next build ended with ${code}: ${output}`)
    running = await startTwo(app)
  }, BUILD_MS)

  it.each(['/isr', '/dynamic', '/legacy'])('keeps one value of %s for all instances', async (path) => {
    await shared(running, path)
  })

  it.each([
    ['/dynamic', { tag: 'dynamic' }],
    ['/isr', { path: '/isr' }],
    ['/legacy', { path: '/legacy' }],
  ])('answers %s anew on every instance after %j was revalidated', async (path, body) => {
    const { one, two } = running
    const old = await shared(running, path)
    await revalidate(one, body)
    // A route handler answers before Next has called the handlers. From then on, no instance has the old value.
    await eventually(async () => expect(await two.read(path)).not.toBe(old))
    expect(await one.read(path)).not.toBe(old)
    expect(await shared(running, path)).not.toBe(old)
  })

  it('keeps data of fetch for all instances until its tag is revalidated', async () => {
    const { one, two } = running
    const old = await sharedBy(running, data)
    await revalidate(two, { tag: 'data' })
    await eventually(async () => expect(await data(one)).not.toBe(old))
    expect(await data(two)).not.toBe(old)
  })
})
