import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHROMIUM_ARGS, chromiumPath } from '../setup/chromium.ts'
import { cleanup } from '../setup/cleanup.ts'
import { type Demo, ROOT, startDemo, until } from './harness.ts'

if (chromiumPath === undefined) console.warn('The page is not tested: no Chromium found; CHROMIUM_PATH may name one.')

/** The folder of screenshots for people to look at. */
const SHOTS = join(ROOT, 'coverage', 'screenshots')
/** The pixels of the map that are not transparent. */
const PAINTED = `(() => {
  const map = document.querySelector('#map canvas')
  const { data } = map.getContext('2d').getImageData(0, 0, map.width, map.height)
  return data.filter((value, i) => i % 4 === 3 && value > 0).length
})()`
const TEHRAN = '#35.7,51.42'

describe.skipIf(chromiumPath === undefined)('the page, in Chromium', () => {
  let demo: Demo
  let browser: Browser
  let url: string
  beforeAll(async () => {
    demo = await startDemo('PGlite')
    url = (await demo.miniflare.ready).href
    await mkdir(SHOTS, { recursive: true })
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: CHROMIUM_ARGS })
    cleanup(() => browser.close())
  })

  /** A page that records all its errors and warnings. */
  async function open(options: Parameters<Browser['newPage']>[0] = {}, hash = TEHRAN) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...options })
    cleanup(() => page.close())
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(url + hash)
    await page.locator('#sun-words', { hasText: 'today' }).waitFor()
    return { page, complaints }
  }
  const text = async (page: Page, selector: string) => (await page.locator(selector).textContent()) ?? ''

  it('shows an answer at once, without an error, a warning or a violation of its policy', async () => {
    const { page, complaints } = await open()
    expect(await text(page, '#answer-title')).toBe('Tehran, Iran')
    expect(await page.locator('#cities li').count()).toBe(10)
    expect(await page.locator('#compass .city').count()).toBe(10)
    expect(await text(page, '#around')).toMatch(/^Places around: \d+ within 10 km, /)
    expect(await text(page, '#country-title')).toBe('Iran')
    await expect.poll(() => page.locator('#entries li').count()).toBeGreaterThanOrEqual(3)
    expect(Number(await text(page, '#views'))).toBeGreaterThanOrEqual(0)
    await page.locator('#health', { hasText: /^answers in \d+ ms$/ }).waitFor()
    expect(complaints).toEqual([])
  })

  it('allows only its own script and style', async () => {
    const { page } = await open()
    const policy = (await demo.fetch('/')).headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; .*script-src 'nonce-[^']+'/)
    expect(policy).not.toContain('unsafe')
    const injected = `const script = document.createElement('script'); script.textContent = 'window.injected = true';
      document.body.append(script); window.injected === true`
    expect(await page.evaluate(injected)).toBe(false)
  })

  it('requests the place that was clicked on the map', async () => {
    const { page, complaints } = await open()
    const box = await page.locator('#map canvas').boundingBox()
    if (box === null) throw new Error('no map')
    // Athens, in the projection of the map.
    await page.mouse.click(box.x + ((23.73 + 180) / 360) * box.width, box.y + ((82 - 37.98) / 138) * box.height)
    await page.locator('#country-title', { hasText: 'Greece' }).waitFor()
    const [, lat, lng] = /#(.+),(.+)/.exec(page.url()) ?? []
    expect(Math.abs(Number(lat) - 37.98) + Math.abs(Number(lng) - 23.73)).toBeLessThan(1)
    expect(complaints).toEqual([])
  })

  it('can be used with the keyboard alone', async () => {
    const { page } = await open()
    await page.locator('#map').focus()
    for (const key of ['Shift+ArrowDown', 'ArrowLeft', 'Enter']) await page.keyboard.press(key)
    await page.waitForURL('**/#25.7,50.42')
    await page.locator('#search').focus()
    await page.keyboard.type('tehr')
    await page.locator('#found [aria-selected=true]').waitFor()
    await page.keyboard.press('Enter')
    await page.locator('#answer-title', { hasText: 'Tehran, Iran' }).waitFor()
    expect(await page.locator('#found').isHidden()).toBe(true)
  })

  it('reports that no city was found, with the typed words', async () => {
    const { page, complaints } = await open()
    await page.locator('#search').focus()
    await page.keyboard.type('<b>zz')
    const words = 'No city begins with “<b>zz”.'
    await page.locator('#found', { hasText: words }).waitFor()
    expect(await text(page, '#status')).toBe(words)
    expect(await page.locator('#found b').count()).toBe(0)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Escape')
    expect(await page.locator('#found').isHidden()).toBe(true)
    expect(await text(page, '#answer-title')).toBe('Tehran, Iran')
    expect(complaints).toEqual([])
  })

  it('measures the database after the map is drawn, without delaying it', async () => {
    const page = await browser.newPage()
    cleanup(() => page.close())
    const asked: string[] = []
    page.on('requestfinished', (request) => asked.push(new URL(request.url()).pathname))
    await page.goto(url + TEHRAN)
    await page.locator('#health', { hasText: /^answers in/ }).waitFor()
    expect(asked).toContain('/cities/map')
    expect(asked.indexOf('/health')).toBeGreaterThan(asked.indexOf('/cities/map'))
  })

  it('shows a hit at the second request, and plots both', async () => {
    await demo.sql.query('delete from cache_entries')
    const { page } = await open()
    expect(await text(page, '#stamp')).toMatch(/^miss · [\d.]+ ms$/)
    expect(await text(page, '#headers')).toMatch(/^Cache-Status: \S+ · ETag: "/)
    await page.click('#again')
    await page.locator('#stamp', { hasText: /^hit/ }).waitFor()
    expect(await text(page, '#headers')).toMatch(/pgstash;hit;ttl=\d+/)
    expect(await page.locator('#plot circle.hit').count()).toBe(1)
    expect(await page.locator('#plot polygon.miss').count()).toBe(1)
    await page.click('#twenty')
    await page.locator('#status', { hasText: 'Asked 20 times' }).waitFor({ state: 'attached' })
    // The badge shows it already.
    expect(await text(page, '#toast')).toBe('')
    expect(await page.locator('#plot circle.hit').count()).toBe(21)
    expect(await text(page, '#medians')).toMatch(/21 hits, median .*1 miss, median /)
  })

  it('shows the extended deadline when a due answer is requested', async () => {
    const { page } = await open()
    await demo.sql.query(`update cache_entries set expires_at = now() + interval '35 seconds'`)
    const row = page.locator('#entries li', { hasText: '/cities/near?lat=35.7&lng=51.42' })
    await row.locator('.left', { hasText: /^(?:[12]\d|3[0-5]) s left$/ }).waitFor()
    await page.click('#again')
    await row.locator('.left', { hasText: /^touched, \+\d\d s$/ }).waitFor()
  })

  it('shows which answers a change invalidates, and what the cleanup deletes', async () => {
    const { page } = await open()
    await page.click('#change')
    await page
      .locator('#toast.shown', { hasText: /Tehran now has [\d,]+ people: [2-9] answers were dropped/ })
      .waitFor()
    expect(await text(page, '#status')).toBe(await text(page, '#toast'))
    await page.locator('#entries .gone', { hasText: 'dropped by city:112931' }).first().waitFor()
    expect(await text(page, '#expired')).toMatch(/expired or dropped, waiting/)
    await page.click('#clean')
    await page.locator('#toast.shown', { hasText: /The cleanup removed/ }).waitFor()
  })

  it('reports an unreachable database', async () => {
    const { page } = await open()
    demo.faults.always({ kind: 'reset' })
    await page.click('#again')
    await page.locator('#toast.shown', { hasText: 'The database cannot be reached.' }).waitFor()
    demo.faults.heal()
    await demo.restart()
  })

  it('fits a phone, and has a day and a night design', async () => {
    url = (await demo.miniflare.ready).href
    const shots: Buffer[] = []
    for (const [name, options] of Object.entries({
      light: { colorScheme: 'light' as const },
      dark: { colorScheme: 'dark' as const },
      phone: { viewport: { width: 360, height: 740 } },
    })) {
      const { page } = await open(options)
      await until(async () => Number(await page.evaluate(PAINTED)) > 1000, 'the map is drawn')
      const width = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect([name, width]).toEqual([name, 0])
      shots.push(await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true }))
    }
    const [light, dark] = shots
    for (const shot of shots) expect(shot.length).toBeGreaterThan(20_000)
    expect(light?.equals(dark ?? Buffer.alloc(0))).toBe(false)
    const brightness = async (colorScheme: 'light' | 'dark') => {
      const { page } = await open({ colorScheme })
      const colour = await page.evaluate('getComputedStyle(document.body).backgroundColor')
      return (String(colour).match(/\d+/g) ?? []).reduce((sum, part) => sum + Number(part), 0)
    }
    expect(await brightness('light')).toBeGreaterThan(600)
    expect(await brightness('dark')).toBeLessThan(150)
  })

  afterAll(() => demo?.faults.heal())
})
