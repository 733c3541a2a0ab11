/** Faults of other caches in handling time: wrong clocks in Date, Age, and lifetimes that end before they begin. */
import { sql } from 'drizzle-orm'
import type { Context } from 'hono'
import { purge } from 'pgstash/hono'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { age, brief, createApp, createSite, emptied, fresh, ownCache, type Site, stored } from '../app.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
beforeEach(() => emptied(site))

const DAY_MS = 86_400_000
const date = (ms: number) => new Date(Date.now() + ms).toUTCString()
/** Counts its answers, so that a hit shows the number of an earlier one. */
const counting = (fields: () => Record<string, string>) => {
  let count = 0
  return (c: Context) => c.text(String(++count), 200, fields())
}

describe('a Date', () => {
  it.each([3_600_000, 3_650 * DAY_MS])('%i ms in the future extends no lifetime', async (ms) => {
    const { fetch } = createApp(
      site,
      counting(() => ({ ...fresh, date: date(ms) })),
    )
    await fetch('/a')
    expect(brief(await fetch('/a'))).toBe('hit')
    await age(site, 70_000)
    expect(await (await fetch('/a')).text()).toBe('2')
  })

  it('far in the future does not keep the next response from being stored once it is stale', async () => {
    const dates = [date(3_650 * DAY_MS), date(0)]
    const { fetch } = createApp(
      site,
      counting(() => ({ ...fresh, date: dates.shift() ?? date(0) })),
    )
    await fetch('/a')
    await age(site, 70_000)
    expect(brief(await fetch('/a'))).toMatch(/stored$/)
    const hit = await fetch('/a')
    expect([brief(hit), await hit.text()]).toEqual(['hit', '2'])
  })

  it('far in the future does not keep the next response from being stored after a soft purge', async () => {
    const dates = [date(3_650 * DAY_MS)]
    const { fetch } = createApp(
      site,
      counting(() => ({ 'cache-control': 'max-age=600', date: dates.shift() ?? date(0) })),
    )
    await fetch('/a')
    await purge(ownCache(site), { urls: ['https://example.com/a'], soft: true })
    for (const _ of [1, 2]) expect(await (await fetch('/a')).text()).toBe('2')
  })

  it.each(['nonsense', '0', '-1', '', 'Thu, 01 Jan 1970 00:00:00 GMT, Thu, 01 Jan 1970 00:00:00 GMT'])(
    'that is invalid is replaced: %j',
    async (value) => {
      const { fetch } = createApp(
        site,
        counting(() => ({ ...fresh, date: value })),
      )
      await fetch('/a')
      const hit = await fetch('/a')
      expect([brief(hit), Math.abs(Date.parse(hit.headers.get('date') ?? '') - Date.now()) < 60_000]).toEqual([
        'hit',
        true,
      ])
    },
  )
})

describe('an Age', () => {
  // varnishcache/varnish-cache#1578
  it.each(['60', '61', '3600', '99999999999999999999'])(
    'with value %s uses up a lifetime of a minute',
    async (value) => {
      const { fetch } = createApp(
        site,
        counting(() => ({ ...fresh, age: value })),
        { stale: '1h' },
      )
      await fetch('/a')
      expect(await (await fetch('/a')).text()).toBe('2')
      expect(await stored(site)).toEqual([])
    },
  )

  it.each(['-1', 'nonsense', '1.5', '', '1e9'])('that is invalid counts as zero: %j', async (value) => {
    const { fetch } = createApp(
      site,
      counting(() => ({ ...fresh, age: value })),
    )
    await fetch('/a')
    const hit = await fetch('/a')
    expect([brief(hit), hit.headers.get('age')]).toEqual(['hit', expect.stringMatching(/^\d$/)])
  })

  it('above the lifetime starts stale-while-revalidate at the end of the lifetime', async () => {
    const { fetch } = createApp(
      site,
      counting(() => ({ 'cache-control': 'max-age=60, stale-while-revalidate=60', age: '90' })),
    )
    await fetch('/a')
    await age(site, 40_000)
    expect(await (await fetch('/a')).text()).toBe('2')
  })

  it('in a hit grows, is one number, and is dropped by a validation', async () => {
    const { fetch } = createApp(site, (c) => {
      const fields = { 'cache-control': 'max-age=60', etag: '"1"', age: '20' }
      return c.req.header('if-none-match') ? c.body(null, 304, { ...fields, age: '0' }) : c.text('page', 200, fields)
    })
    await fetch('/a')
    await age(site, 30_000)
    expect(Number((await fetch('/a')).headers.get('age'))).toBeGreaterThanOrEqual(50)
    await age(site, 30_000)
    await fetch('/a')
    expect(Number((await fetch('/a')).headers.get('age'))).toBeLessThan(10)
  })
})

describe('an Expires', () => {
  it.each([date(-DAY_MS), '0', '-1', 'never', '', date(0)])(
    'with value %j gives no lifetime, not even the one of an option',
    async (value) => {
      const { fetch } = createApp(
        site,
        counting(() => ({ expires: value })),
        { expiration: '1h', stale: '1h' },
      )
      await fetch('/a')
      expect(await (await fetch('/a')).text()).toBe('2')
    },
  )

  it('from a clock that is ahead counts from the Date of the response', async () => {
    const { fetch } = createApp(
      site,
      counting(() => ({ date: date(DAY_MS), expires: date(DAY_MS + 60_000) })),
    )
    await fetch('/a')
    expect(brief(await fetch('/a'))).toBe('hit')
    await age(site, 70_000)
    expect(await (await fetch('/a')).text()).toBe('2')
  })
})

describe('a lifetime', () => {
  // aws/aws-sdk-go-v2#3472
  it('does not grow by the time that a suspended database takes to wake up', async () => {
    const { fetch } = createApp(
      site,
      counting(() => fresh),
    )
    site.faults.next({ kind: 'delay', ms: 2_000 })
    expect(brief(await fetch('/a'))).toBe('fwd=uri-miss;stored')
    const { rows } = await site.db.execute<{ from: number; lifetime: number }>(sql`
      select (meta::jsonb ->> 'responseAt')::float8 - extract(epoch from now()) * 1000 as from,
        extract(epoch from expires_at - now()) as lifetime from cache_entries where expires_at is not null`)
    for (const { from, lifetime } of rows) {
      expect(Number(from)).toBeLessThanOrEqual(0)
      expect(Number(lifetime)).toBeLessThanOrEqual(60)
    }
    expect(rows).toHaveLength(1)
  })

  it.each([
    'max-age=0',
    'max-age=-1',
    'max-age=60.5',
    'max-age="60',
    'max-age',
    'max-age=60, max-age=0',
    's-maxage=0, max-age=60',
    'max-age=60; no-store',
    'max-age=60 no-cache',
    'max-age=60, private=x-a, private',
  ])('from %s is zero', async (value) => {
    const { fetch } = createApp(
      site,
      counting(() => ({ 'cache-control': value })),
      { stale: '1h' },
    )
    await fetch('/a')
    expect(await (await fetch('/a')).text()).toBe('2')
  })

  it.each(['max-age=99999999999999999999', 'max-age=2147483648', 's-maxage=4294967296'])(
    'from %s is long',
    async (value) => {
      const { fetch } = createApp(
        site,
        counting(() => ({ 'cache-control': value })),
      )
      await fetch('/a')
      await age(site, 3_650 * DAY_MS)
      expect(brief(await fetch('/a'))).toBe('hit')
    },
  )
})
