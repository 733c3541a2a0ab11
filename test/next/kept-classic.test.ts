/** Apps without `cacheComponents`: ISR, route handlers, `fetch`, images and the pages directory, on two instances. */
import { beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../setup/eventually.ts'
import {
  BUILD_MS,
  built,
  data,
  expectRenewed,
  HANDLERS,
  NOWHERE,
  type Running,
  revalidate,
  shared,
  sharedBy,
  startDatabase,
  startTwo,
} from './kept-site.ts'
import { createApp, type Site } from './next-app.ts'

describe('an app of Next 16 with the incremental handler', () => {
  let running: Running

  beforeAll(async () => {
    const app = await createApp(['kept-classic'], HANDLERS)
    await built(app, NOWHERE)
    running = await startTwo(app, await startDatabase())
  }, BUILD_MS)

  const hex = async (site: Site) => Buffer.from(await (await site.fetch('/api/static')).arrayBuffer()).toString('hex')

  it.each(['/isr', '/legacy/1'])('shares one value of %s among all instances', async (path) => {
    await shared(running, path)
  })

  it.each([
    ['/isr', { tag: 'isr' }],
    ['/isr', { path: '/isr' }],
    ['/legacy/1', { path: '/legacy/1' }],
  ])('serves a new %s on every instance after %j was revalidated', async (path, body) => {
    await expectRenewed(running, (site) => site.read(path), body)
  })

  it('keeps the bytes of a route handler, and serves new ones after its path was revalidated', async () => {
    expect(await sharedBy(running, hex)).toMatch(/^00fffe/)
    await expectRenewed(running, hex, { path: '/api/static' })
  })

  it('serves the old page once more after a revalidation with a lifetime', async () => {
    const { one, two } = running
    // The other instance may store its own page late.
    const old = await eventually(async () => {
      const page = await shared(running, '/isr')
      await revalidate(one, { tag: 'isr', profile: 'max' })
      expect(await two.read('/isr')).toBe(page)
      return page
    })
    await eventually(async () => expect(await one.read('/isr')).not.toBe(old))
    await eventually(async () => expect(await two.read('/isr')).toBe(await one.read('/isr')))
  })

  it('renders a page in the background once it is past revalidate', async () => {
    const { one } = running
    const old = await one.read('/moment')
    await eventually(async () => expect(await one.read('/moment')).not.toBe(old))
  })

  it.each(['/missing/1', '/legacy/nowhere'])('serves %s as not found, on every instance', async (path) => {
    const { one, two } = running
    const statuses = []
    for (const site of [one, two, one]) statuses.push((await site.fetch(path)).status)
    expect(statuses).toEqual([404, 404, 404])
  })

  it('keeps a redirect', async () => {
    const { one, two } = running
    const locations = []
    for (const site of [one, two]) {
      locations.push((await site.fetch('/legacy/moved', { redirect: 'manual' })).headers.get('location'))
    }
    expect(locations).toEqual(['/isr', '/isr'])
  })

  it('shares an optimized image among all instances', async () => {
    const { one, two } = running
    const path = '/_next/image?url=%2Fsquare.png&w=64&q=75'
    const first = await one.fetch(path)
    const bytes = Buffer.from(await first.arrayBuffer())
    expect([first.status, first.headers.get('content-type')?.startsWith('image/')]).toEqual([200, true])
    await eventually(async () => {
      const again = await two.fetch(path)
      expect(again.headers.get('x-nextjs-cache')).toBe('HIT')
      expect(Buffer.from(await again.arrayBuffer()).equals(bytes)).toBe(true)
    })
  })

  it('navigates with data from the store', async () => {
    const { one, two } = running
    const fetched = async (site: Site) => {
      const response = await site.fetch('/isr', { headers: { rsc: '1' } })
      return `${response.status} ${/isr [0-9a-f-]{36}/.exec(await response.text())?.[0]}`
    }
    // The other instance may store its own page late.
    await eventually(async () => {
      const page = await shared(running, '/isr')
      expect([await fetched(one), await fetched(two)]).toEqual([`200 ${page}`, `200 ${page}`])
    })
  })
})

describe('an app of Next 15.5 with both handlers, built without a database', () => {
  let running: Running

  beforeAll(async () => {
    const app = await createApp(['kept-15'], HANDLERS, 'next-15')
    await built(app, NOWHERE)
    running = await startTwo(app, await startDatabase())
  }, BUILD_MS)

  it.each(['/isr', '/dynamic', '/legacy'])('shares one value of %s among all instances', async (path) => {
    await shared(running, path)
  })

  it.each([
    ['/dynamic', { tag: 'dynamic' }],
    ['/isr', { path: '/isr' }],
    ['/legacy', { path: '/legacy' }],
  ])('serves a new %s on every instance after %j was revalidated', async (path, body) => {
    await expectRenewed(running, (site) => site.read(path), body)
  })

  it('shares fetch data among all instances until its tag is revalidated', async () => {
    await expectRenewed(running, data, { tag: 'data' })
  })
})
