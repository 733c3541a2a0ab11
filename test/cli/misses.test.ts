/** Hints for people who type the syntax of another tool, or who find nothing. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { describe, expect, it } from 'vitest'
import { createPool } from '../setup/databases.ts'
import { createSite, inTerminal, run, WAYS } from './command.ts'

const PAGE = 'https://example.com/page'
const GET = ['get', '--namespace', 'http', `GET ${PAGE}`]

async function siteWith(body: string | Uint8Array<ArrayBuffer>, cacheControl = 'max-age=600') {
  const site = await createSite()
  const app = new Hono()
    .use(responseCache({ cache: createCache(drizzle(createPool(site.url))) }))
    .get('/page', (c) => c.body(body, 200, { 'cache-control': cacheControl, 'x-own': 'a\u009bb' }))
  await (await app.request(PAGE)).arrayBuffer()
  return site
}

describe.each(WAYS)('get gives the reason for a miss, %s', (way) => {
  it('no entry, an expired one, or an invalidated one', async () => {
    const { pgstash, url } = await createSite(way)
    const cache = createCache(drizzle(createPool(url)))
    await cache.set('tagged', 1, { tags: ['t'] })
    await cache.invalidate('t')
    await cache.set('past', 1, { expiration: 0 })
    await cache.getOrSet('stale', () => 1, { expiration: '1h', stale: '1d' })
    await cache.getOrSet('always stale', () => 1, { expiration: '1h', stale: null })
    await cache.set('gone', 1, { expiration: '1h' })
    const moves = `update cache_entries set expires_at = '2020-01-01T00:00:00Z'`
    await createPool(url).query(
      `${moves} where key like '%stale'; ${moves}, kept_until = '2020-01-01' where key = 'gone'`,
    )
    const said = async (key: string) => {
      const { code, out, err } = await pgstash(['get', key])
      expect([code, out]).toEqual([1, ''])
      return err.trimEnd()
    }
    const NONE = 'No live entry has this key'
    expect(await said('none')).toBe(`${NONE}.`)
    expect(await said('tagged')).toBe(`${NONE}: one of its tags was invalidated.`)
    expect(await said('past')).toBe(`${NONE}: its deadline had already passed when it was set.`)
    expect(await said('gone')).toBe(`${NONE}: it expired at 2020-01-01T00:00:00.000Z, and waits for cleanup.`)
    expect(await said('stale')).toMatch(/: it expired at 2020-.+Z\. It may be served stale until 20.+Z\.$/)
    expect(await said('always stale')).toMatch(/ It may be served stale without limit\.$/)
  })
})

it('get explains how to name a response, and a key in a namespace', async () => {
  const { pgstash } = await siteWith('<h1>')
  const said = async (...args: string[]) => (await pgstash(['get', ...args])).err
  expect(await said(`http|GET ${PAGE}`)).toContain(`use: --namespace http 'GET ${PAGE}'`)
  expect(await said(`GET ${PAGE}`)).toContain('Stored responses are in a namespace: --namespace http')
  expect(await said('--namespace', 'http', PAGE)).toContain('begins with GET')
  expect(await said('--namespace', 'http', `GET ${PAGE}?other`)).toBe('No live entry has this key.\n')
})

it('get reports a stale response, and until when it may be served', async () => {
  const { pgstash, url } = await siteWith('<h1>', 'max-age=600, stale-while-revalidate=600')
  await createPool(url).query("update cache_entries set expires_at = now() - interval '1 s'")
  expect(await pgstash(GET)).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('It may be served stale until'),
  })
  const { out } = await pgstash(['stats'])
  expect(out).toMatch(/expired +1 {2}past the deadline or invalidated: a miss, or served stale\n/)
})

describe('a stored response', () => {
  it('has a status and headers, which --headers prints', async () => {
    const { pgstash } = await siteWith('<h1>')
    const { code, out } = await pgstash([...GET, '--headers'])
    expect([code, out]).toEqual([0, expect.stringMatching(/^200\n(?:.+\n)*cache-control: max-age=600\n/)])
    expect(out).toContain(String.raw`x-own: a\u009bb`)
    await pgstash(['set', 'value', '1'])
    expect(await pgstash(['get', 'value', '--headers'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('not a stored response'),
    })
  })

  it('is shown in a terminal with its status, without characters that a terminal would obey', async () => {
    const { variables } = await siteWith('<h1>\u001b[31m')
    const shown = inTerminal(GET, variables)
    expect(await shown.ended()).toBe(0)
    expect(shown.text()).toMatch(/^200\r\n(?:.+\r\n)+\r\n<h1>\\u001b\[31m\r\n$/)
  })

  it('is written to a file and not to a terminal if it is not text', async () => {
    const { variables } = await siteWith(Uint8Array.of(0xff, 0xfe, 0x07))
    const shown = inTerminal(GET, variables)
    expect(await shown.ended()).toBe(0)
    expect(shown.text()).toContain('The body is not text (3 bytes): redirect it to a file with >.')
    expect(shown.raw()).not.toContain('\u0007')
  })
})

it('list prints keys in the form that other commands accept', async () => {
  const { pgstash } = await createSite()
  const within = ['--namespace', 'http', '--namespace', 'e|u']
  await pgstash(['set', 'GET https://example.com/', '1', ...within, '--tag', 't'])
  await pgstash(['set', 'a|b', '2'])
  const { out } = await pgstash(['list'])
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^.* bytes {2}/, ''))
  expect(lines).toEqual(['a|b', "GET https://example.com/  --namespace http  --namespace 'e|u'  [t]"])
  expect((await pgstash(['get', 'GET https://example.com/', ...within])).out).toBe('1\n')
  expect((await pgstash(['list', ...within])).out).toMatch(/bytes {2}GET https:\/\/example\.com\/ {2}\[t\]\n$/)
})

it.each([
  [['set', 'k', '1', '--ttl', '5'], '--expiration <when>'],
  [['touch', 'k', '--ex', '5'], '--expiration <when>'],
  [['increment', 'k', '--expires-in=5'], '--expiration <when>'],
  [['list', '--match', 'a*'], '--prefix <text>'],
  [['list', '--count', '5'], '--limit <number>'],
  [['stats', '--watch', '--interval', '5'], '--every <span>'],
  [['clear-all', '-y'], '--yes'],
  [['get', 'k', '--url', 'x'], '--database-url <url>'],
  [['migrate', '--dry-run'], '--print-sql'],
])('%j suggests the option with that meaning', async (args, flags) => {
  const { code, err } = await run(args)
  expect([code, err]).toEqual([2, expect.stringContaining(`(Did you mean ${flags}?)`)])
})
