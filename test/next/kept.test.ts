/** An app of Next 16 with `cacheComponents`, both handlers, two instances, and a browser. */
import { chromium } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { CHROMIUM_ARGS, chromiumPath } from '../setup/chromium.ts'
import { cleanup } from '../setup/cleanup.ts'
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
  startDatabase,
  startTwo,
} from './kept-site.ts'
import { createApp } from './next-app.ts'

describe('an app of Next 16 with both handlers, built without a database and with one', () => {
  let running: Running

  let keysAfterBuild: string[]

  beforeAll(async () => {
    const app = await createApp(['kept'], HANDLERS)
    await built(app, NOWHERE)
    const database = await startDatabase()
    await built(app, database.variables)
    keysAfterBuild = (await database.cache.namespace('next').list()).entries.map(({ key }) => key)
    running = await startTwo(app, database)
  }, BUILD_MS)

  it('keeps the values of the build, if the build has a database', () => {
    expect(keysAfterBuild.filter((key) => key.startsWith('use#')).length).toBeGreaterThan(0)
  })

  it.each(['/static', '/dynamic', '/items/1'])('shares one value of %s among all instances', async (path) => {
    await shared(running, path)
  })

  it('reads one entry in one round trip', async () => {
    const { one, faults } = running
    // The other instance may store its own value late.
    await eventually(async () => {
      await shared(running, '/dynamic')
      faults.reset()
      await one.read('/dynamic')
      const reads = faults.log.filter(({ sql }) => sql.some((text) => text.includes('read_marked')))
      // The shell of the page, and the function in it.
      expect(reads.length).toBeLessThanOrEqual(2)
      expect(faults.requests).toBe(reads.length)
    })
  })

  it.each([
    ['/dynamic', { tag: 'dynamic' }],
    ['/static', { tag: 'static' }],
    ['/items/1', { path: '/items/1' }],
  ])('serves a new %s on every instance after %j was revalidated', async (path, body) => {
    await expectRenewed(running, (site) => site.read(path), body)
  })

  it('does not affect other pages', async () => {
    // The other instance may store its own value late.
    await eventually(async () => {
      const item = await shared(running, '/items/3')
      await revalidate(running.one, { tag: 'dynamic', path: '/items/1' })
      expect(await shared(running, '/items/3')).toBe(item)
    })
  })

  it('serves the old value once more after a revalidation with a lifetime', async () => {
    const { one, two } = running
    // The other instance may store its own value late.
    const old = await eventually(async () => {
      const value = await shared(running, '/dynamic')
      await revalidate(one, { tag: 'dynamic', profile: 'max' })
      expect(await two.read('/dynamic')).toBe(value)
      return value
    })
    await eventually(async () => expect(await one.read('/dynamic')).not.toBe(old))
    await eventually(async () => expect(await two.read('/dynamic')).toBe(await one.read('/dynamic')))
  })

  it('refreshes a value past revalidate in the background', async () => {
    const { one } = running
    const old = await one.read('/remote')
    const renewed = await eventually(async () => {
      const value = await one.read('/remote')
      expect(value).not.toBe(old)
      return value
    })
    expect(renewed).toMatch(/^remote /)
  })

  it('shares fetch data among all instances until its tag is revalidated', async () => {
    await expectRenewed(running, data, { tag: 'data' })
  })

  it('stores nothing from draft mode, and shows nothing stored in it', async () => {
    const { one } = running
    const cookie = (await one.fetch('/api/draft')).headers
      .getSetCookie()
      .map((each) => each.split(';')[0])
      .join('; ')
    // The other instance may store its own value late.
    await eventually(async () => {
      const kept = await shared(running, '/dynamic')
      expect(await one.read('/dynamic', { headers: { cookie } })).not.toBe(kept)
      expect(await shared(running, '/dynamic')).toBe(kept)
    })
  })

  it('follows invalidations of the cache itself', async () => {
    const old = await shared(running, '/dynamic')
    await running.cache.invalidate('dynamic')
    expect(await shared(running, '/dynamic')).not.toBe(old)
  })

  it('answers without its database, and caches again after recovery', async () => {
    const { one, faults } = running
    faults.always({ kind: 'reset' })
    const [first, second] = [await one.read('/dynamic'), await one.read('/dynamic')]
    expect(first).not.toBe(second)
    faults.heal()
    await eventually(async () => expect(await one.read('/dynamic')).toBe(await one.read('/dynamic')))
  })

  it.skipIf(chromiumPath === undefined)(
    'shows a user the result of their revalidation first, and then everybody',
    async () => {
      const { one, two } = running
      const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: CHROMIUM_ARGS })
      cleanup(() => browser.close())
      const page = await browser.newPage()
      await shared(running, '/dynamic')
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
