/** A database with watched tables that an earlier version has installed. */
import { readFile } from 'node:fs/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { createCache } from 'pgstash'
import { rowTag, tableTag, unwatchAllTables, watchedTables, watchTables } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'

async function createInstalled() {
  const pool = createPool(await createDatabase())
  await pool.query(await readFile(new URL('../fixtures/installed-0.1.0.sql', import.meta.url), 'utf8'))
  const db = drizzle(pool)
  return { pool, db, cache: createCache(db) }
}
/** As that version stored it. The current version cannot write before `migrate`. */
const storeOlder = (pool: pg.Pool, key: string, tag: string) =>
  pool.query(
    `insert into cache_entries (key, number, tags, filled_at, written_by)
     values ($1, 1, array[$2], pg_current_snapshot(), pg_current_xact_id())`,
    [key, tag],
  )

const triggers = `select tgrelid::regclass::text as relation, tgname, xmin::text from pg_trigger where not tgisinternal order by 1, 2`

it('an earlier version’s triggers keep invalidating before a migration', async () => {
  const { pool, db, cache } = await createInstalled()
  await storeOlder(pool, 'key', tableTag('shop'))
  expect(await cache.get('key')).toBe(1)
  await expect(cache.set('key', 2)).rejects.toThrow('run `pgstash migrate`')
  await pool.query('insert into shop values (1)')
  expect(await cache.get('key')).toBe(undefined)
  expect(await watchedTables(db)).toHaveLength(2)
})

it('migrate and watchTables keep entries and triggers, and lock no table of the user', async () => {
  const { pool, db, cache } = await createInstalled()
  await storeOlder(pool, 'key', 't')
  const before = (await pool.query(triggers)).rows
  const writer = await pool.connect()
  await writer.query('begin; lock table shop, rows_of in row exclusive mode')
  await migrate(db, { changes: true })
  await watchTables(db, 'shop')
  await watchTables(db, 'rows_of', { rows: true })
  await writer.query('commit')
  writer.release()
  expect((await pool.query(triggers)).rows).toEqual(before)
  expect(await cache.get('key')).toBe(1)
})

it('watchTables installs the functions of this version', async () => {
  const { pool, db, cache } = await createInstalled()
  await migrate(db, { changes: true })
  await watchTables(db, 'shop')
  await watchTables(db, 'rows_of', { rows: true })
  const { rows } = await pool.query(
    "select distinct 'row_security=off' = any (proconfig) as fixed from pg_proc where proname ~ '^cache_(watch|note)_'",
  )
  expect(rows).toEqual([{ fixed: true }])
  await pool.query('insert into rows_of values (1), (2)')
  await cache.setMany({ row: 1 }, { tags: [rowTag('rows_of', 1)] })
  await pool.query('truncate rows_of')
  expect(await cache.get('row')).toBe(undefined)
  expect((await pool.query("select count(*)::int as n from cache_changes where kind = 'key'")).rows).toEqual([{ n: 1 }])
  await unwatchAllTables(db)
  expect(await watchedTables(db)).toEqual([])
})
