/** Tables that only `drizzle-kit push` created: their keys have the collation of the database. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'pgstash/migrate'
import { cacheContract, type StoreUnderTest } from 'pgstash/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { postgresStore } from '../setup/postgres-store.ts'

const COLUMNS = [
  ['cache_entries', 'key'],
  ['cache_leases', 'key'],
  ['cache_invalidations', 'tag'],
  ['cache_changes', 'name'],
] as const

describe('tables whose keys are not in byte order', () => {
  let store: StoreUnderTest

  beforeAll(async () => {
    const pool = createPool(await createDatabase())
    store = await postgresStore(drizzle(pool))
    // This collation sorts both cases of a letter together, and punctuation before digits.
    for (const [table, column] of COLUMNS) {
      await pool.query(`alter table ${table} alter column ${column} type text collate "en-x-icu"`)
    }
    const { rows } = await pool.query(`select 'a' collate "en-x-icu" < 'B' as is_by_letter`)
    expect(rows).toEqual([{ is_by_letter: true }])
  })

  cacheContract(
    { describe, it, expect },
    {
      create: (options) => store.create(options),
      reset: () => store.reset(),
      advance: (ms) => store.advance(ms),
    },
  )

  it('get byte order from migrate, and keep their entries', async () => {
    const pool = createPool(await createDatabase())
    await migrate(drizzle(pool))
    for (const [table, column] of COLUMNS) await pool.query(`alter table ${table} alter column ${column} type text`)
    await pool.query(`insert into cache_entries (key, value) values ('b', '1'), ('A', '2')`)
    await migrate(drizzle(pool))
    for (const [table, column] of COLUMNS) {
      const { rows } = await pool.query(
        `select l.collname as name from pg_attribute as a join pg_collation as l on l.oid = a.attcollation
         where a.attrelid = $1::regclass and a.attname = $2`,
        [table, column],
      )
      expect([table, ...rows]).toEqual([table, { name: 'C' }])
    }
    expect((await pool.query('select key from cache_entries order by key')).rows).toEqual([{ key: 'A' }, { key: 'b' }])
  })
})
