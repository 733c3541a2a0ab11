/** Statistics of tables that are too large to be counted while a caller waits. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { type CacheOptions, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { meanStats } from '../setup/mean-stats.ts'

const LARGE = 120_000

let pool: ReturnType<typeof createPool>

beforeAll(async () => {
  pool = createPool(await createDatabase())
  await migrate(drizzle(pool))
  // About 60 MB: a third is expired, a third will expire, and a third is permanent.
  await pool.query(
    `insert into cache_entries (key, value, expires_at, kept_until)
     select 'large|' || i, repeat('x', 300), given.at, given.at
     from generate_series(1, $1::int) as i, lateral (
       select case i % 3 when 0 then now() - interval '1 hour' when 1 then now() + interval '1 day' end as at
     ) as given`,
    [LARGE],
  )
  await pool.query(`insert into cache_entries (key, number) select 'small|' || i, i from generate_series(1, 500) as i`)
})

/** A long timeout: these statements are the largest, and the machine may be busy. */
const create = (options: CacheOptions = {}) => createCache(drizzle(pool), { timeout: 60_000, ...options })

/** Four samples of 1,500 pages deviate by 1.3 % together, so the bound is far away. */
const near = (value: number, expected: number) => Math.abs(value - expected) / expected < 0.1

describe('stats of a large table', () => {
  it('are marked as estimates, come close, and add up', async () => {
    const stats = await create().stats()
    expect(stats.estimated).toBe(true)
    expect(stats.total).toBe(stats.expired + stats.unexpired + stats.forever)
    const { expired, unexpired, forever, bytes, total } = await meanStats(create())
    const [size] = (
      await pool.query(
        'select sum(pg_column_size(key) + coalesce(pg_column_size(value), 0) + coalesce(pg_column_size(number), 0))::float8 as bytes from cache_entries',
      )
    ).rows
    expect([
      near(total, LARGE + 500),
      near(expired, LARGE / 3),
      near(unexpired, LARGE / 3),
      near(forever, LARGE / 3),
      near(bytes, size.bytes),
    ]).toEqual([true, true, true, true, true])
  })

  it('are exact for a small namespace', async () => {
    const stats = await create({ namespace: 'small' }).stats()
    expect(stats).toMatchObject({ total: 500, forever: 500, expired: 0, unexpired: 0, estimated: false })
    expect(await create({ namespace: 'none' }).stats()).toMatchObject({
      total: 0,
      estimated: false,
    })
  })

  it('are estimates for a large namespace', async () => {
    const stats = await meanStats(create({ namespace: 'large' }))
    expect(stats.estimated).toBe(true)
    expect(near(stats.total, LARGE)).toBe(true)
    expect(near(stats.unexpired, LARGE / 3)).toBe(true)
  })

  it('are never less than the counted entries if the sample misses a namespace', async () => {
    await pool.query(
      `insert into cache_entries (key, number) select 'mid|' || i, i from generate_series(1, 50001) as i`,
    )
    const stats = await create({ namespace: 'mid' }).stats()
    expect(stats.total).toBeGreaterThanOrEqual(50_001)
    expect(stats).toMatchObject({ expired: 0, unexpired: 0, estimated: true })
  })
})

describe('neighbours that differ in a regular way', () => {
  it.each([2, 3, 4, 5])('do not mislead an estimate if one in %i is permanent', async (period) => {
    const regular = createPool(await createDatabase())
    await migrate(drizzle(regular))
    const total = period * 10_000
    await regular.query(
      `insert into cache_entries (key, number, expires_at, kept_until)
       select 'users|' || lpad(i::text, 5, '0'), i, given.at, given.at from generate_series(1, $1::int) as i,
         lateral (select case when i % $2::int > 0 then now() + interval '1 day' end as at) as given`,
      [total, period],
    )
    const cache = createCache(drizzle(regular), { timeout: 60_000 })
    for (const counted of [cache, cache.namespace('users')]) {
      const stats = await counted.stats()
      expect(stats).toMatchObject({ total, expired: 0, estimated: true })
      // About 2,000 permanent entries are checked, or more, so the bound is five standard deviations or more.
      expect(near(stats.forever, total / period)).toBe(true)
    }
  })
})

describe('the smallest possible entries', () => {
  it('are no more in a page than a sample expects, so that its limit cuts nothing off', async () => {
    const tiny = createPool(await createDatabase())
    await migrate(drizzle(tiny))
    // Written by another program: without a value, a deadline, and the transaction that wrote it.
    await tiny.query(`alter table cache_entries set (fillfactor = 100);
      insert into cache_entries (key) select chr(1 + i) from generate_series(0, 1999) as i where chr(1 + i) <> ''`)
    const { rows } = await tiny.query(
      'select max(count)::int as most from (select count(*) from cache_entries group by (ctid::text::point)[0]) as page',
    )
    expect(rows[0].most).toBeGreaterThan(100)
    expect(rows[0].most).toBeLessThanOrEqual(8_192 / 60)
  })
})
