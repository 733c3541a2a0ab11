/** Entries in a partitioned table, which `migrate` does not make and does not mind. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { meanStats } from '../setup/mean-stats.ts'

const ENTRIES = 60_000

let pool: ReturnType<typeof createPool>

beforeAll(async () => {
  pool = createPool(await createDatabase())
  await migrate(drizzle(pool))
  await pool.query(`
    alter table cache_entries rename to plain;
    create table cache_entries (like plain including defaults, primary key (key)) partition by hash (key);
    create table part_0 partition of cache_entries for values with (modulus 3, remainder 0);
    create table part_1 partition of cache_entries for values with (modulus 3, remainder 1) partition by hash (key);
    create table part_1_0 partition of part_1 for values with (modulus 1, remainder 0);
    create table part_2 partition of cache_entries for values with (modulus 3, remainder 2);
    create index on cache_entries (cleanup_slot);
    drop table plain`)
  // About 10,000 pages, of which each partition has a third. A half never expires.
  await pool.query(
    `insert into cache_entries (key, value, expires_at, kept_until, cleanup_slot)
     select 'ns' || i % 2 || '|' || i, repeat(md5(i::text), 35), given.at, given.at,
       floor(extract(epoch from (given.at - timestamptz '2000-01-01 00:00:00+00')) / 600)::int
     from generate_series(1, $1::int) as i, lateral (
       select case when i % 2 = 0 then now() + interval '1 day' end as at
     ) as given`,
    [ENTRIES],
  )
})

// The timeout is long, because the machine may be busy.
const create = (options = {}) => createCache(drizzle(pool), { timeout: 60_000, ...options })
const isNear = (value: number, expected: number) => Math.abs(value - expected) / expected < 0.1

describe('a partitioned table', () => {
  it('is estimated from a sample of the pages of all partitions', async () => {
    const stats = await meanStats(create())
    expect(stats.estimated).toBe(true)
    expect([stats.total, stats.unexpired * 2, stats.forever * 2].map((each) => isNear(each, ENTRIES))).toEqual([
      true,
      true,
      true,
    ])
    expect(await create({ namespace: 'ns0' }).stats()).toMatchObject({ total: ENTRIES / 2, forever: 0 })
  })

  it('is counted exactly, listed and cleaned up', async () => {
    const cache = create({ namespace: 'ns1' })
    expect(await cache.stats({ exact: true })).toMatchObject({ total: ENTRIES / 2, forever: ENTRIES / 2 })
    expect((await cache.list({ limit: 3 })).entries.length).toBe(3)
    const [removed] = (await pool.query(`delete from cache_entries where key like 'ns0|%' returning 1`)).rows
    expect(removed).toBeDefined()
    // The number of entries is estimated, so the bound is far from it.
    const { evicted = 0 } = await create({ maxEntries: ENTRIES / 4 }).clearExpired()
    expect(evicted).toBeGreaterThan(0)
  })
})
