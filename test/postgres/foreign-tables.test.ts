/**
 * Tables of the user that have the names of the cache's tables. The cache recognizes them by their columns, refuses
 * them, and leaves them alone.
 */

import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { watchTables } from 'pgstash/drizzle'
import { migrate, migrationSql } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { describe, expect, it } from 'vitest'
import { examine } from '../../src/doctor/examine.ts'
import { migrations } from '../../src/migrate/migrations.ts'
import { createRunner } from '../../src/postgres/runner.ts'
import { namesOf } from '../../src/schema/table-names.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

const THEIRS: Record<string, string> = {
  'a history': 'create table cache_history (id int primary key, at timestamptz)',
  'entries of a cache of their own':
    'create table cache_entries (key text primary key, value text, expires_at timestamptz)',
  'entries with another type': `create table cache_entries (key text primary key, value jsonb, number numeric, expires_at timestamptz,
    kept_until timestamptz, cleanup_slot int, tags text[], filled_at pg_snapshot, compute_ms float8, created_at timestamptz, updated_at timestamptz)`,
  'changes with another key': 'create table cache_changes (xid xid8, kind text, name text, primary key (name))',
  'a view': "create view cache_state as select 'a' as name, 'b' as value, now() as updated_at",
  'a sequence': 'create sequence cache_leases',
}
const nameIn = (statement: string) => /cache_\w+/.exec(statement)?.[0] ?? ''

async function migrationsSeen(pool: ReturnType<typeof createPool>) {
  const tables = cacheTables()
  const runner = createRunner(drizzle(pool), { tables: namesOf(tables), timeoutMs: 30_000, preparedNames: false })
  const findings = await examine({
    runner,
    tables: namesOf(tables),
    host: '127.0.0.1',
    port: 1,
    isHttp: false,
    now: Date.now,
  })
  return findings
    .filter(({ check }) => check === 'migrations')
    .map(({ status, what, advice }) => `${status}: ${what} → ${advice}`)
    .join('\n')
}

describe.each(Object.entries(THEIRS))('%s', (_name, statement) => {
  const name = nameIn(statement)

  it('is refused by migrate, which changes nothing and gives advice', async () => {
    const pool = createPool(await createDatabase())
    await pool.query(statement)
    await expect(migrate(drizzle(pool))).rejects.toMatchObject({
      code: 'DATABASE',
      message: expect.stringMatching(new RegExp(`Expected ${name} to be a table of the cache.+schema or prefix`)),
    })
    expect(
      (await pool.query("select relname from pg_class where relname like 'cache%' and relkind in ('r', 'v', 'S')"))
        .rows,
    ).toEqual([{ relname: name }])
    // Following the advice works.
    const tables = cacheTables({ prefix: 'app_' })
    await migrate(drizzle(pool), { tables })
    await createCache(drizzle(pool), { tables }).set('key', 1)
  })

  it('is reported by doctor with the same advice', async () => {
    const pool = createPool(await createDatabase())
    await pool.query(statement)
    expect(await migrationsSeen(pool)).toMatch(
      new RegExp(`^problem: Other tables use the cache's names.+: ${name}\\..+Choose another schema or prefix`),
    )
  })
})

it('a cache that finds a table of another kind refers to migrate, which gives advice', async () => {
  const pool = createPool(await createDatabase())
  await migrate(drizzle(pool))
  await pool.query(
    'drop table cache_entries; create table cache_entries (key text primary key, value text, expires_at timestamptz)',
  )
  await expect(createCache(drizzle(pool)).set('key', 1)).rejects.toMatchObject({
    code: 'DATABASE',
    message: expect.stringMatching(/a table of your own has the name.+pgstash migrate/),
  })
})

it('a foreign table that comes first on the search path is refused as well', async () => {
  const url = await createDatabase()
  await migrate(drizzle(createPool(url)))
  const pool = createPool(`${url}?options=-c%20search_path%3Dmine,public`)
  await pool.query('create schema mine; create table mine.cache_history (id int)')
  await expect(migrate(drizzle(pool))).rejects.toMatchObject({
    message: expect.stringContaining('Expected cache_history to be'),
  })
  expect(await migrationsSeen(pool)).toMatch(/^problem: Other tables use the cache's names.+: cache_history\./)
})

it('tables stay in the schema where they were created, whatever now comes first on the search path', async () => {
  const pool = createPool(await createDatabase(), { max: 1 })
  await migrate(drizzle(pool))
  await pool.query('drop table cache_leases; create schema mine; set search_path = mine, public')
  await migrate(drizzle(pool), { changes: true })
  await createCache(drizzle(pool)).set('key', 1)
  expect((await pool.query("select schemaname from pg_tables where tablename like 'cache%' group by 1")).rows).toEqual([
    { schemaname: 'public' },
  ])
})

it.each(migrations.map(({ name }, index) => [name, index]))('migrate upgrades tables as of %s', async (_name, last) => {
  const pool = createPool(await createDatabase())
  for (const migration of migrations.slice(0, Number(last) + 1)) {
    for (const statement of migration.statements) await pool.query(statement)
    await pool.query('insert into cache_state (name, value) values ($1, $2)', [`migration ${migration.name}`, ''])
  }
  await migrate(drizzle(pool))
  await createCache(drizzle(pool)).set('key', 1, { tags: ['t'] })
  expect(await createCache(drizzle(pool)).get('key')).toBe(1)
  expect(await migrationsSeen(pool)).toBe('ok: The tables are up to date. → undefined')
})

it('tables with a column of a later version, or without their primary key, are still recognized', async () => {
  const pool = createPool(await createDatabase())
  await migrate(drizzle(pool))
  await pool.query(
    'alter table cache_entries add column later text; alter table cache_state drop constraint cache_state_pkey',
  )
  await pool.query('alter table cache_state add primary key (name)')
  await pool.query('alter table cache_changes drop constraint cache_changes_pk')
  await migrate(drizzle(pool))
})

it('watchTables refuses a log table that is not one', async () => {
  const pool = createPool(await createDatabase())
  await pool.query('create table cache_invalidations (id int primary key); create table shop (id int)')
  await expect(watchTables(drizzle(pool), 'shop')).rejects.toMatchObject({
    message: expect.stringContaining('schema or prefix'),
  })
})

it.each([
  { schema: `<source> "x" 'y' \\ %I %1$s $$ $body$ $pgstash$ \n z`, prefix: `<source>'"%L\n$$\\` },
  { schema: 'é'.repeat(31), prefix: 'p'.repeat(33) },
])('any legal name works as a name: %j', async (place) => {
  const pool = createPool(await createDatabase())
  const tables = cacheTables(place)
  for (const options of [{}, { changes: true, notify: `'; $$ %I` }, {}])
    await migrate(drizzle(pool), { tables, ...options })
  await pool.query(migrationSql({ tables, changes: true }))
  const cache = createCache(drizzle(pool), { tables })
  await cache.set('key', 1, { tags: ['t'] })
  expect(await cache.get('key')).toBe(1)
  await cache.invalidate('t')
  expect(await cache.get('key')).toBe(undefined)
  const { rows } = await pool.query(
    "select distinct schemaname from pg_tables where tablename like '%cache%' and schemaname !~ '^(pg_|information)'",
  )
  expect(rows).toEqual([{ schemaname: place.schema }])
})
