/** Databases with pgstash's tables, for the questions that look behind the cache. */
import type pg from 'pg'
import type { Cache, CacheOptions, Database } from 'pgstash'
import { type Bench, POOL_SIZE } from './bench.ts'
import type { Checkout } from './checkout.ts'

export interface Site {
  readonly checkout: Checkout
  readonly name: string
  readonly database: string
  readonly pool: pg.Pool
  readonly db: Database
  readonly cache: Cache
}

/** A database of its own, over TCP. */
export async function openSite(bench: Bench, checkout: Checkout, options?: CacheOptions): Promise<Site> {
  const database = await bench.createDatabase()
  const pool = bench.createPool(database, { max: POOL_SIZE })
  const db = checkout.overPool(pool)
  await checkout.migrate(db)
  return { checkout, name: checkout.label, database, pool, db, cache: checkout.cache(db, options) }
}

/** One for each version of pgstash. */
export async function openSites(bench: Bench, options?: CacheOptions): Promise<Site[]> {
  const sites: Site[] = []
  for (const checkout of bench.checkouts) sites.push(await openSite(bench, checkout, options))
  return sites
}

/** The first column of the first row. */
export async function one<T>(pool: pg.Pool, text: string, values: unknown[] = []): Promise<T> {
  return (await pool.query({ text, values, rowMode: 'array' })).rows[0]?.[0] as T
}

/** Bytes of the write-ahead log that a call adds. A first round takes the full page images that follow a checkpoint. */
export async function walBytes(pool: pg.Pool, calls: number, work: (i: number) => Promise<unknown>): Promise<number> {
  for (let i = 0; i < calls; i++) await work(i)
  const before = await one<string>(pool, 'select pg_current_wal_insert_lsn()::text')
  for (let i = 0; i < calls; i++) await work(i)
  return Number(await one(pool, 'select pg_current_wal_insert_lsn() - $1::pg_lsn', [before])) / calls
}

/**
 * The end of a list of columns and of a list of values, for the slot of an instant. Versions that generate the column take no
 * value for it.
 */
export async function slotOf(pool: pg.Pool, instant: string): Promise<{ column: string; value: string }> {
  const isGenerated = await one<boolean>(
    pool,
    `select attgenerated <> '' from pg_attribute where attrelid = 'cache_entries'::regclass and attname = 'cleanup_slot'`,
  )
  if (isGenerated) return { column: '', value: '' }
  const value = `floor(extract(epoch from (${instant} - timestamptz '2000-01-01 00:00:00+00')) / 600)::int`
  return { column: ', cleanup_slot', value: `, ${value}` }
}

/** Fills the table by SQL: entries of `bytes` characters that expire within a day, or have expired already. */
export async function fillEntries(pool: pg.Pool, count: number, { bytes = 100, isExpired = false, from = 0 } = {}) {
  const deadline = isExpired ? `now() - interval '1 hour'` : `now() + (1 + i % 24) * interval '1 hour'`
  const slot = await slotOf(pool, 'given.at')
  await pool.query(
    `insert into cache_entries (key, value, expires_at, kept_until${slot.column})
     select 'entry:' || i, to_json(left(repeat(md5(i::text), $3::int / 32 + 1), $3::int))::text, given.at, given.at${slot.value}
     from generate_series($1::int, $2::int) as i, lateral (select ${deadline} as at) as given`,
    [from, from + count - 1, bytes],
  )
}
