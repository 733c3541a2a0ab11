/** Rows that a cleanup reads: none of other namespaces, and no young lease. */
import { setTimeout } from 'node:timers/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

let url: string
let pool: pg.Pool

beforeAll(async () => {
  url = await createDatabase()
  // One connection, because each connection reports only the rows that it read.
  pool = createPool(url, { max: 1 })
  await migrate(drizzle(pool))
  // Autovacuum and autoanalyze would count as reads, too.
  await pool.query('alter table cache_entries set (autovacuum_enabled = false)')
  await pool.query('alter table cache_leases set (autovacuum_enabled = false)')
})

beforeEach(async () => {
  await pool.query('truncate cache_entries, cache_leases, cache_invalidations')
})

const create = (options: object = {}) => createCache(drizzle(pool), { timeout: 60_000, ...options })

/** Entries of a namespace, with the minutes until each expires; negative if expired. */
async function fill(namespace: string, count: number, minutes: number): Promise<void> {
  await pool.query(
    `insert into cache_entries (key, expires_at, kept_until, cleanup_slot, written_by)
     select $1 || '|' || md5(i::text), at.at, at.at,
       floor(extract(epoch from (at.at - timestamptz '2000-01-01 00:00:00+00')) / 600)::int, pg_current_xact_id()
     from generate_series(1, $2) as i, (select now() + $3 * interval '1 minute' as at) as at`,
    [namespace, count, minutes],
  )
}

async function fillLeases(namespace: string, count: number, age: string): Promise<void> {
  await pool.query(
    `insert into cache_leases (key, expires_at, cleanup_slot)
     select $1 || '|' || i, at, floor(extract(epoch from (at - timestamptz '2000-01-01 00:00:00+00')) / 600)::int
     from generate_series(1, $2) as i, lateral (select now() - $3::interval as at) as given`,
    [namespace, count, age],
  )
}

const countOf = async (table: string, prefix = '') => {
  const { rows } = await pool.query(`select count(*)::int from ${table} where starts_with(key, $1)`, [prefix])
  return rows[0].count
}

/** The number of rows of a table that a call reads, with or without an index. */
async function readsOf(table: string, call: () => Promise<unknown>, index = '%'): Promise<number> {
  const reads = async () => {
    await pool.query('select pg_stat_force_next_flush()')
    const { rows } = await pool.query(
      `select (select coalesce(seq_tup_read, 0) from pg_stat_user_tables where relname = $1)
        + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = $1 and indexrelname like $2) as reads`,
      [table, index],
    )
    return Number(rows[0].reads)
  }
  const before = await reads()
  await call()
  return (await reads()) - before
}

describe('a namespace beside others with many expired entries', () => {
  it.each(['empty', 'small'])('reads no row of other namespaces, if it is %s', async (size) => {
    await fill('other', 30_000, -60)
    if (size === 'small') await fill('own', 100, -5)
    await pool.query('analyze cache_entries')
    const cache = create({ namespace: 'own' })
    let result: unknown
    const reads = await readsOf('cache_entries', async () => {
      result = await cache.clearExpired()
    })
    expect(result).toEqual({ removed: size === 'small' ? 100 : 0, more: false })
    expect(reads).toBeLessThan(1_000)
    expect(await countOf('cache_entries')).toBe(30_000)
  })

  it('deletes all its expired entries if it is large, over HTTP as well', async () => {
    const neon = await createNeon(url)
    for (const cache of [create({ namespace: 'own' }), createCache(neon.db, { namespace: 'own', timeout: 60_000 })]) {
      await pool.query('truncate cache_entries')
      await fill('other', 6_000, -60)
      await fill('own', 6_000, -5)
      await fill('own|live', 10, 5)
      expect(await cache.clearExpired({ batch: 1_000 })).toEqual({ removed: 6_000, more: false })
      expect([await countOf('cache_entries', 'own|'), await countOf('cache_entries', 'other|')]).toEqual([10, 6_000])
    }
  })

  it('deletes entries with invalidated tags, if it is small', async () => {
    const cache = create({ namespace: 'own' })
    await cache.set('a', 1, { tags: ['tag'] })
    await cache.set('b', 1)
    await cache.invalidate('tag')
    await fill('other', 100, -5)
    expect(await cache.clearExpired()).toEqual({ removed: 1, more: false })
    expect(await cache.has('b')).toBe(true)
  })
})

describe('cleanup of a namespace with a bound', () => {
  it('reads no row of other namespaces, if the namespace is small', async () => {
    await fill('other', 30_000, 1)
    await fill('own', 100, 60)
    await pool.query('analyze cache_entries')
    const cache = create({ namespace: 'own', maxEntries: 90 })
    let result: unknown
    const reads = await readsOf('cache_entries', async () => {
      result = await cache.clearExpired()
    })
    expect(result).toEqual({ removed: 0, evicted: 10, more: false })
    expect(reads).toBeLessThan(2_000)
  })

  it('evicts only entries of the namespace, although others expire sooner', async () => {
    await fill('other', 12_000, 1)
    await fill('own', 12_000, 60)
    await pool.query('analyze cache_entries')
    const cache = create({ namespace: 'own', maxEntries: 11_900 })
    expect(await cache.clearExpired()).toEqual({ removed: 0, evicted: 100, more: false })
    expect([await countOf('cache_entries', 'own|'), await countOf('cache_entries', 'other|')]).toEqual([11_900, 12_000])
  })

  it('evicts the entries that expire soonest, although all of them expire before those of other namespaces', async () => {
    await fill('other', 12_000, 600)
    await fill('own', 12_000, 60)
    await fill('own|soon', 50, 2)
    const cache = create({ namespace: 'own', maxEntries: 12_000 })
    expect(await cache.clearExpired()).toEqual({ removed: 0, evicted: 50, more: false })
    expect(await countOf('cache_entries', 'own|soon')).toBe(0)
  })
})

describe('cleanup of leases', () => {
  it('reads no young lease, however many there are', async () => {
    await fillLeases('young', 20_000, '1 minute')
    await fill('own', 100, -5)
    await pool.query('analyze cache_leases')
    for (const cache of [create(), create({ namespace: 'own' })]) {
      const reads = await readsOf('cache_leases', () => cache.clearExpired())
      expect(reads).toBeLessThan(500)
    }
    expect(await countOf('cache_leases')).toBe(20_000)
  })

  it('deletes leases that have long been free, in batches', async () => {
    await fillLeases('old', 250, '1 hour')
    await fillLeases('young', 10, '9 minutes')
    expect(await create().clearExpired({ batch: 100 })).toEqual({ removed: 0, more: false })
    expect([await countOf('cache_leases', 'old'), await countOf('cache_leases', 'young')]).toEqual([0, 10])
  })

  it('ends the run of a namespace although other namespaces have old leases', async () => {
    await fillLeases('other', 250, '2 hours')
    await fillLeases('own', 250, '1 hour')
    const cache = create({ namespace: 'own' })
    expect(await cache.clearExpired({ batch: 100 })).toEqual({ removed: 0, more: false })
    expect(await countOf('cache_leases', 'other')).toBe(150)
    for (let run = 0; run < 2; run++) await cache.clearExpired({ batch: 100 })
    expect(await countOf('cache_leases')).toBe(0)
  })

  it('keeps the index entries of a lease if the key is computed again within ten minutes', async () => {
    const cache = create()
    const updates = async () => {
      await pool.query('select pg_stat_force_next_flush()')
      const { rows } = await pool.query(
        "select n_tup_upd::int as all, n_tup_hot_upd::int as hot from pg_stat_user_tables where relname = 'cache_leases'",
      )
      return rows[0]
    }
    // Do not begin just before the end of a slot, which takes ten minutes.
    const slotLeftMs = 600_000 - (Date.now() % 600_000)
    if (slotLeftMs < 20_000) await setTimeout(slotLeftMs)
    const before = await updates()
    for (let i = 0; i < 40; i++) {
      await cache.getOrSet('key', i, { lease: '1s' })
      await cache.delete('key')
    }
    const after = await updates()
    const [all, hot] = [after.all - before.all, after.hot - before.hot]
    expect(all).toBeGreaterThan(100)
    // The ten-minute slot may end in between.
    expect(hot).toBeGreaterThanOrEqual(all - 6)
  })
})
