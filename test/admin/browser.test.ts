import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { basic } from 'pgstash/admin'
import { responseCache } from 'pgstash/hono'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { CHROMIUM_ARGS, chromiumPath } from '../setup/chromium.ts'
import { cleanup } from '../setup/cleanup.ts'
import { BREAKOUT, SCRIPT, storeHostile } from './hostile.ts'
import { createSite, mount, parameter, type Site, serve } from './site.ts'

if (chromiumPath === undefined)
  console.warn('The admin pages are not opened: no Chromium found; CHROMIUM_PATH may name one.')

/** The folder of screenshots for people to look at. */
const SHOTS = join(import.meta.dirname, '../../coverage/screenshots')
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
/** Loading every page takes a while if several tests share two cores. */
const CHECKING_TIMEOUT_MS = 300_000
/** The time limit for a page to load, or a button to appear. */
const PATIENCE_MS = 120_000

vi.setConfig({ testTimeout: CHECKING_TIMEOUT_MS, hookTimeout: CHECKING_TIMEOUT_MS })

describe.skipIf(chromiumPath === undefined)('the admin pages, in Chromium', () => {
  let site: Site
  let browser: Browser
  let url: string

  beforeAll(async () => {
    site = await createSite()
    url = await serve(mount(site))
    await mkdir(SHOTS, { recursive: true })
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: CHROMIUM_ARGS, timeout: PATIENCE_MS })
    cleanup(() => browser.close())
  })

  beforeEach(() => site.empty())

  /** A page that records its console errors and its requests. */
  async function open(path: string, options: BrowserContextOptions = {}, base = url) {
    const context = await browser.newContext({
      viewport: { width: 1200, height: 900 },
      reducedMotion: 'reduce',
      ...options,
    })
    context.setDefaultTimeout(PATIENCE_MS)
    cleanup(() => context.close())
    const page = await context.newPage()
    const complaints: string[] = []
    const asked: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(`${base}/cache/${path}`)
    return { page, complaints, asked }
  }

  /** Entries and a history like those of an application. */
  async function fill() {
    await site.db.execute(sql`
      insert into cache_entries (key, value, expires_at, kept_until, compute_ms)
      select (array['shop', 'pages', 'sessions', 'api'])[1 + floor(sqrt(i % 16))::int] || '|item:' || lpad(i::text, 5, '0'),
        '"' || repeat(md5(i::text), 1 + i % 37 * (1 + i % 5)) || '"', d, d, case when i % 3 = 0 then 3 * (1 + i % 877) end
      from (select i, case when i % 5 > 0 then now() + (exp((i * 7919 % 1400) / 100.0 + 1) - 200) * interval '1 second' end as d
        from generate_series(1, 3000) as i) as item`)
    await site.db.execute(sql`
      insert into cache_history (name, bucket_at, hits, misses, stale, fills, fill_ms, slowest_fill_ms, invalidations, cleanups, removed)
      select 'shop', date_bin('5 minutes', now(), 'epoch') - m * interval '5 minutes', h, h * (0.16 + 0.1 * sin(m / 30.0)), h * 0.03,
        h * 0.15, h * 12, 400, m * 7919 % 5, (m % 12 = 0)::int, case when m % 12 = 0 then 80 + m * 7919 % 300 else 0 end
      from (select m, 170 + 120 * sin(m / 46.0) + m * 7919 % 50 as h from generate_series(0, 2015) as m) as step`)
  }

  async function storePage(body: string) {
    const app = new Hono()
      .use(responseCache({ cache: site.cache() }))
      .get('/', (c) => c.html(body, 200, { 'cache-control': 'max-age=600' }))
    await (await app.request('https://example.com/')).text()
    return `entry?key=${parameter('http|GET https://example.com/')}`
  }

  const text = async (page: Page, selector = 'main') =>
    ((await page.locator(selector).textContent()) ?? '').replace(/\s+/g, ' ')

  it('draw their plots by day, by night and on a phone, with one request and without errors', async () => {
    await fill()
    const colours: number[] = []
    const shots: Buffer[] = []
    for (const [name, options] of Object.entries({
      light: { colorScheme: 'light' },
      dark: { colorScheme: 'dark' },
      phone: { viewport: { width: 360, height: 740 } },
    } as const)) {
      const { page, complaints, asked } = await open('overview', options)
      expect(asked).toEqual([`${url}/cache/overview`])
      expect(await page.locator('svg[role=img]').count()).toBe(7)
      expect([name, await page.evaluate('document.documentElement.scrollWidth - innerWidth')]).toEqual([name, 0])
      const colour = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
      colours.push((colour.match(/\d+/g) ?? []).reduce((sum, part) => sum + Number(part), 0))
      shots.push(await page.screenshot({ path: join(SHOTS, `admin-${name}.png`), fullPage: true }))
      expect(complaints).toEqual([])
    }
    expect(colours[0]).toBeGreaterThan(600)
    expect(colours[1]).toBeLessThan(150)
    for (const shot of shots) expect(shot.length).toBeGreaterThan(20_000)
    // All columns are within their plot: a bar that is not drawn would have no box.
    const { page } = await open('overview')
    expect(
      await page.locator('#main figure', { hasText: 'Sizes' }).locator('rect.fill').first().boundingBox(),
    ).not.toBe(null)
  })

  it.each(['light', 'dark'] as const)('pass axe when they are %s', async (colorScheme) => {
    await fill()
    await site.cache().set('tagged', { a: 1 }, { tags: ['t'], expiration: '1h' })
    const response = await storePage('<p>Hello</p>')
    const source = await readFile(AXE, 'utf8')
    // The checker is a script, which the policy of the pages would refuse.
    const { page } = await open('overview', { colorScheme, bypassCSP: true })
    const paths = [
      'overview',
      'entries',
      `entry?key=${parameter('tagged')}`,
      response,
      'remove',
      'remove?tag=t',
      'none',
    ]
    for (const path of paths) {
      await page.goto(`${url}/cache/${path}`)
      await page.evaluate(source)
      const { violations, passes } = (await page.evaluate('axe.run({ iframes: false })')) as {
        violations: { id: string; nodes: { html: string }[] }[]
        passes: unknown[]
      }
      expect([path, violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])]).toEqual([path, []])
      expect(passes.length).toBeGreaterThan(10)
    }
  })

  it('can be used with the keyboard alone', async () => {
    const cache = site.cache()
    await cache.set('first', { a: 1 }, { expiration: '1h' })
    const { page, complaints } = await open('entries')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Skip to content')
    await page.keyboard.press('Enter')
    await tabTo(page, 'first')
    await page.keyboard.press('Enter')
    await page.locator('h1', { hasText: 'first' }).waitFor()
    await tabTo(page, 'Never expire')
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.press('Enter')
    await page.locator('[role=status]', { hasText: 'The deadline was changed.' }).waitFor()
    expect(await cache.expiration('first')).toBe(null)
    await tabTo(page, 'Delete the entry')
    await page.keyboard.press('Enter')
    await page.locator('[role=status]', { hasText: 'The entry was deleted.' }).waitFor()
    expect(await cache.count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it('work without scripts: filter, next page, touch, and set a deadline', async () => {
    await fill()
    const { page, complaints } = await open('entries', { javaScriptEnabled: false })
    await page.fill('[name=prefix]', 'shop|')
    await page.selectOption('[name=state]', 'live')
    await page.click('text=Filter')
    await page.locator('tbody tr', { hasText: 'shop / item:' }).first().waitFor()
    const first = await text(page, 'tbody')
    await page.click('text=Next page')
    await page.locator('text=First page').waitFor()
    expect(await text(page, 'tbody')).not.toBe(first)
    await page.locator('tbody a').first().click()
    await page.selectOption('[name=for]', '30d')
    await page.click('button:has-text("Set the TTL")')
    await page.locator('[role=status]').waitFor()
    expect(await text(page)).toContain('in 30 d')
    await page.fill('[name=at]', '2040-02-29T12:30:15')
    await page.click('text=Set the deadline')
    await page.locator('dd', { hasText: '2040-02-29 12:30:15' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('delete many entries only after the confirmation is ticked', async () => {
    await fill()
    const cache = site.cache()
    const before = (await cache.stats()).total
    const { page, complaints } = await open('remove')
    await page.fill('[name=prefix]', 'shop|item:')
    await page
      .locator('form', { has: page.locator('[name=prefix]') })
      .locator('button')
      .click()
    await page.locator('main', { hasText: 'entries will be deleted' }).waitFor()
    const [, counted = ''] = /([\d,]+) entries will be deleted/.exec(await text(page)) ?? []
    const affected = Number(counted.replace(',', ''))
    expect(affected).toBeGreaterThan(100)
    // The browser itself blocks the form.
    await page.click('text=Delete the entries')
    expect((await cache.stats()).total).toBe(before)
    await page.check('[name=confirmed]')
    await page.screenshot({ path: join(SHOTS, 'admin-remove.png') })
    await page.click('text=Delete the entries')
    await page.locator('[role=status]', { hasText: `${counted} entries were deleted.` }).waitFor()
    expect((await cache.stats()).total).toBe(before - affected)
    expect(complaints).toEqual([])
  })

  it('show malicious keys and values as plain text', async () => {
    const total = await storeHostile(site.cache())
    const { page, complaints, asked } = await open('entries')
    const links = (await page.evaluate(`[...document.querySelectorAll('tbody a')].map(({ href }) => href)`)) as string[]
    expect(links).toHaveLength(total)
    await page.screenshot({ path: join(SHOTS, 'admin-hostile.png'), fullPage: true })
    for (const link of [`${url}/cache/overview`, ...links]) {
      await page.goto(link)
      expect(await page.evaluate('window.harmed')).toBe(undefined)
      expect(await page.locator('script, main img').count()).toBe(0)
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0)
    }
    const key = BREAKOUT.replaceAll(/[\\|]/g, '\\$&')
    await page.goto(`${url}/cache/entry?key=${parameter(`${key}|${SCRIPT}`)}`)
    expect(await text(page, 'h1')).toBe(`${BREAKOUT} / ${SCRIPT}`)
    expect(await text(page)).toContain('first part only')
    await page.goto(`${url}/cache/remove?tag=${encodeURIComponent(BREAKOUT)}`)
    expect(await text(page, 'code')).toBe(BREAKOUT)
    expect(asked.filter((each) => !each.startsWith(url))).toEqual([])
    expect(complaints).toEqual([])
  })

  it('delete the entry with the most hostile key by its button', async () => {
    const cache = site.cache()
    await cache.set(BREAKOUT, SCRIPT)
    await cache.set('kept', 1)
    const { page } = await open(`entry?key=${parameter(BREAKOUT)}`)
    await page.click('text=Delete the entry')
    await page.locator('[role=status]').waitFor()
    expect((await cache.list()).entries.map((entry) => entry.key)).toEqual(['kept'])
  })

  it('preview a stored page without its scripts, images and links', async () => {
    const reached: string[] = []
    const elsewhere = await serve(
      new Hono().all('*', (c) => {
        reached.push(c.req.path)
        return c.text('reached')
      }),
    )
    const { page, complaints, asked } = await open(
      await storePage(`<h1>Hello</h1><form action="${elsewhere}/form"><input name="x"></form><a href="${elsewhere}/link">out</a>
        <script>parent.harmed = window.harmed = true</script><img src="${elsewhere}/pixel">
        <meta http-equiv="refresh" content="0;url=${elsewhere}/refresh"><link rel="stylesheet" href="${elsewhere}/style">`),
    )
    // It is not even loaded until it is opened.
    expect(asked).toHaveLength(1)
    await page.click('summary')
    const frame = page.frameLocator('iframe')
    await frame.locator('h1', { hasText: 'Hello' }).waitFor()
    await frame.locator('[name=x]').press('Enter')
    expect(await frame.locator('h1').textContent()).toBe('Hello')
    await frame.locator('a').click()
    // The stored page has a frame policy of its own, so the link leads nowhere.
    await expect.poll(() => complaints.join(' ')).toContain("frame-src 'self'")
    expect(await page.evaluate('window.harmed')).toBe(undefined)
    expect(page.url()).toContain('/cache/entry?key=')
    await expect.poll(() => complaints.join(' ')).toMatch(/Blocked script execution/)
    expect(reached).toEqual([])
  })

  it('download a value as a file, not as a page', async () => {
    await site.cache().set('a', { text: SCRIPT })
    const { page } = await open(`entry?key=${parameter('a')}`)
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Download the whole value')])
    expect(download.suggestedFilename()).toBe('entry.json')
    expect(JSON.parse(await readFile(await download.path(), 'utf8'))).toEqual({ text: SCRIPT })
  })

  it('refuse a form that another site sends through the browser of an admitted user', async () => {
    const cache = site.cache()
    await cache.set('a', 1)
    const evil = await serve(
      new Hono().get('/cache/', (c) =>
        c.html(
          `<form method="post" action="${url}/cache/delete"><input name="key" value="${parameter('a')}"><button>Win</button></form>`,
        ),
      ),
    )
    const { page } = await open('entries')
    // Another port is another origin of the same site, so its cookies are sent.
    await page.goto(`${evil.replace('127.0.0.1', 'localhost')}/cache/`)
    await page.click('text=Win')
    await page.locator('h1', { hasText: 'Not allowed' }).waitFor()
    await page.goto(`${evil}/cache/`)
    await page.click('text=Win')
    await page.locator('h1', { hasText: 'Not allowed' }).waitFor()
    expect(await cache.has('a')).toBe(true)
  })

  it('ask for a password once, and then work', async () => {
    const password = 'a password of the test'
    const base = await serve(mount(site, { authorize: basic({ user: 'ada', password }) }))
    await site.cache().set('a', 1)
    const { page, complaints } = await open('entries', { httpCredentials: { username: 'ada', password } }, base)
    await page.click('tbody a')
    await page.click('text=Delete the entry')
    await page.locator('[role=status]', { hasText: 'The entry was deleted.' }).waitFor()
    expect(complaints.filter((complaint) => !complaint.includes('401'))).toEqual([])
  })
})

/** Presses Tab until an element with this text has the focus. */
async function tabTo(page: Page, words: string): Promise<void> {
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate('document.activeElement.textContent.trim()')) === words) return
  }
  throw new Error(`Nothing with the words “${words}” can be reached.`)
}
