/** The whole contract in databases whose settings change the meaning of literals, numbers, dates and plans. */

import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { createCache, type Database } from 'pgstash'
import { cacheAdmin } from 'pgstash/admin'
import { rowTag, watchTables } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { cacheContract } from 'pgstash/testing'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { examine } from '../../src/doctor/examine.ts'
import { createRunner } from '../../src/postgres/runner.ts'
import { namesOf } from '../../src/schema/table-names.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { lazily } from '../setup/lazily.ts'
import { createNeon } from '../setup/neon.ts'
import { postgresStore } from '../setup/postgres-store.ts'
import { IS_INLINE } from '../setup/statements.ts'

/** All at once, because they are independent. Each session of the database starts with them. */
const SETTINGS: Readonly<Record<string, string>> = {
  standard_conforming_strings: 'off',
  backslash_quote: 'off',
  escape_string_warning: 'on',
  array_nulls: 'off',
  transform_null_equals: 'on',
  quote_all_identifiers: 'on',
  extra_float_digits: '-15',
  bytea_output: 'escape',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  row_security: 'off',
  search_path: '""',
  default_transaction_isolation: 'repeatable read',
  jit: 'on',
  jit_above_cost: '0',
  jit_inline_above_cost: '0',
  jit_optimize_above_cost: '0',
}

/** Without a search path, so the tables have a schema. */
const tables = cacheTables({ schema: 'hostile \\ "cache"' })

async function hostileDatabase(): Promise<string> {
  const url = await createDatabase()
  const pool = createPool(url, { max: 1 })
  const name = new URL(url).pathname.slice(1)
  for (const [setting, value] of Object.entries(SETTINGS)) {
    await pool.query(`alter database ${name} set ${setting} = ${value === '""' ? "''" : `'${value}'`}`)
  }
  return url
}

const drivers: Record<string, () => Promise<Database>> = {
  'neon-http': async () => (await createNeon(await hostileDatabase())).db,
  'node-postgres': async () => drizzlePg({ client: createPool(await hostileDatabase()) }),
  'postgres-js': async () => {
    const client = postgres(await hostileDatabase(), { onnotice: () => {} })
    cleanup(() => client.end())
    return drizzlePostgres({ client })
  },
}

for (const [name, connect] of Object.entries(drivers)) {
  if (IS_INLINE && name === 'postgres-js') continue
  describe(`${name}, with hostile settings`, () =>
    cacheContract(
      { describe, it, expect },
      lazily(async () => postgresStore(await connect(), tables)),
    ))
}

describe('hostile settings', () => {
  it('are active in each session', async () => {
    const { rows } = await createPool(await hostileDatabase()).query(
      'select name, setting from pg_settings where name = any ($1)',
      [['standard_conforming_strings', 'jit_above_cost', 'search_path']],
    )
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      standard_conforming_strings: 'off',
      jit_above_cost: '0',
      search_path: '""',
    })
  })

  it('do not break the invalidation of watched tables of any name', async () => {
    const pool = createPool(await hostileDatabase())
    const db = drizzlePg({ client: pool })
    await migrate(db, { tables, changes: true })
    await pool.query('create schema "own \\ schema"')
    const name = "own \\ schema.it's \\ mine"
    await pool.query(`create table "own \\ schema"."it's \\ mine" (id text primary key, n int)`)
    await watchTables(db, name, { rows: true, tables })
    const cache = createCache(db, { tables })
    await cache.set('row', 1, { tags: [rowTag(name, 'a\\b')] })
    await pool.query(`insert into "own \\ schema"."it's \\ mine" values ($1, 1)`, ['a\\b'])
    expect(await cache.get('row')).toBe(undefined)
  })

  it('do not break doctor and the admin pages', async () => {
    const pool = createPool(await hostileDatabase())
    const db = drizzlePg({ client: pool })
    await migrate(db, { tables })
    const cache = createCache(db, { tables })
    await cache.namespace('a\\b').setMany({ 'key \\': 1, 'key|': 2 }, { tags: ['tag'] })
    const runner = createRunner(db, { tables: namesOf(tables), timeoutMs: 60_000, preparedNames: true })
    const findings = await examine({
      runner,
      tables: namesOf(tables),
      host: 'localhost',
      port: 5432,
      isHttp: false,
      now: Date.now,
    })
    expect(findings.filter(({ status }) => status === 'problem')).toEqual([])
    const admin = cacheAdmin({ cache, authorize: () => true })
    for (const page of ['overview', 'entries', 'entries?state=expired', 'entries?prefix=a%5C%5Cb%7C']) {
      expect([page, (await admin.request(`https://example.com/${page}`)).status]).toEqual([page, 200])
    }
  })
})
