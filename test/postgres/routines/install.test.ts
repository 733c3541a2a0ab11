/** `migrate` installs the routines, and drops sets that are no longer needed. */

import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { type MigrateOptions, migrate, migrationSql } from 'pgstash/migrate'
import { cacheTables, defaultTables } from 'pgstash/schema'
import { describe, expect, it } from 'vitest'
import { ROUTINE_PARAMETERS, ROUTINE_VERSION } from '../../../src/postgres/routines/generated.ts'
import { routineName } from '../../../src/postgres/routines/routine-call.ts'
import { compileRoutines } from '../../../src/postgres/routines/routine-set.ts'
import { namesOf } from '../../../src/schema/table-names.ts'
import { createSite, installed, type Site, setsOf } from './site.ts'

const COUNT = Object.keys(ROUTINE_PARAMETERS).length
const READ = routineName(defaultTables, 'read_one')
const OLD = '01d01234'

/** Makes the installed set look like that of another release, replaced so many days ago. */
async function makeOld({ pool }: Site, replaced?: string, version = OLD): Promise<void> {
  for (const { name } of await installed(pool)) {
    if (!name.endsWith(ROUTINE_VERSION)) continue
    const { rows } = await pool.query('select oid::regprocedure::text as signature from pg_proc where proname = $1', [
      name,
    ])
    await pool.query(`alter routine ${rows[0].signature} rename to "${name.replace(ROUTINE_VERSION, version)}"`)
  }
  await pool.query("update cache_state set name = $1, value = replace(value, $2, $3) where name = 'routines ' || $2", [
    `routines ${version}`,
    ROUTINE_VERSION,
    version,
  ])
  if (replaced === undefined) return
  await pool.query(
    "update cache_state set value = (value::jsonb || jsonb_build_object('replacedAt', now() - $2::interval))::text where name = $1",
    [`routines ${version}`, replaced],
  )
}

const versions = async ({ pool }: Site) => [
  ...new Set((await installed(pool)).map(({ name }) => name.slice(-ROUTINE_VERSION.length))),
]

describe('migrate', () => {
  it('installs each routine once, and a second run changes nothing', async () => {
    const site = await createSite({})
    const first = await installed(site.pool)
    expect(first.map(({ name }) => name).sort()).toEqual(
      compileRoutines(namesOf(defaultTables))
        .map(({ name }) => routineName(defaultTables, name))
        .sort(),
    )
    const state = await site.pool.query('select xmin::text, * from cache_state')
    await migrate(site.db)
    await migrate(drizzle(site.pool))
    expect(await installed(site.pool)).toEqual(first)
    expect((await site.pool.query('select xmin::text, * from cache_state')).rows).toEqual(state.rows)
  })

  it('installs one set if several runs are concurrent', async () => {
    const site = await createSite()
    await Promise.all(Array.from({ length: 6 }, () => migrate(site.db)))
    expect((await installed(site.pool)).length).toBe(COUNT)
    expect(await setsOf(site)).toEqual({ [ROUTINE_VERSION]: true })
  })

  it('keeps the set of another release, and records when it was replaced', async () => {
    const site = await createSite({})
    await makeOld(site)
    await migrate(site.db)
    expect((await versions(site)).sort()).toEqual([OLD, ROUTINE_VERSION].sort())
    expect(await setsOf(site)).toEqual({ [OLD]: false, [ROUTINE_VERSION]: true })
    expect((await installed(site.pool)).length).toBe(2 * COUNT)
    const state = await site.pool.query('select xmin::text, * from cache_state')
    await migrate(site.db)
    expect((await site.pool.query('select xmin::text, * from cache_state')).rows).toEqual(state.rows)
  })

  it('drops a set that was replaced longer ago than the retention, and keeps a younger one', async () => {
    const site = await createSite({})
    await makeOld(site, '31 days')
    await migrate(site.db)
    await makeOld(site, '29 days', 'aaaaaaaa')
    await migrate(site.db)
    expect((await versions(site)).sort()).toEqual([ROUTINE_VERSION, 'aaaaaaaa'].sort())
    expect(await setsOf(site)).toEqual({ aaaaaaaa: false, [ROUTINE_VERSION]: true })
    await migrate(site.db, { routineRetentionDays: 28.5 })
    expect(await versions(site)).toEqual([ROUTINE_VERSION])
    expect(await setsOf(site)).toEqual({ [ROUTINE_VERSION]: true })
  })

  it('drops a replaced set at once if the retention is zero', async () => {
    const site = await createSite({})
    await makeOld(site)
    await migrate(site.db, { routineRetentionDays: 0 })
    expect(await versions(site)).toEqual([ROUTINE_VERSION])
  })

  it('makes the set of an older release current again', async () => {
    const site = await createSite({})
    const first = await installed(site.pool)
    await site.pool.query(
      `update cache_state set value = (value::jsonb || jsonb_build_object('replacedAt', now() - interval '40 days'))::text
      where name = 'routines ' || $1`,
      [ROUTINE_VERSION],
    )
    await site.pool.query(`insert into cache_state (name, value) values ('routines ${OLD}', '{"functions": []}')`)
    await migrate(site.db)
    expect(await setsOf(site)).toEqual({ [ROUTINE_VERSION]: true, [OLD]: false })
    expect(await installed(site.pool)).toEqual(first)
  })

  it('drops all sets with routines: false, and installs them again without it', async () => {
    const site = await createSite({})
    await makeOld(site)
    await migrate(site.db)
    await migrate(site.db, { routines: false })
    expect(await installed(site.pool)).toEqual([])
    expect(await setsOf(site)).toEqual({})
    await migrate(site.db, { routines: false })
    await site.create().set('key', 1)
    await migrate(site.db)
    expect((await installed(site.pool)).length).toBe(COUNT)
  })

  it('refuses options out of range', () => {
    for (const options of [
      { routineRetentionDays: -1 },
      { routineRetentionDays: 3_651 },
      { routineRetentionDays: Number.NaN },
      { routineRetentionDays: '30' },
      { routines: 'yes' },
    ]) {
      expect(() => migrationSql(options as MigrateOptions)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    }
  })

  it('installs routines that work over unlogged tables', async () => {
    const site = await createSite({ unlogged: true })
    const cache = site.create()
    await cache.set('key', 1)
    expect(await cache.get('key')).toBe(1)
    expect(site.calls()).toEqual([true, true])
  })

  it('turns JIT off and keeps one plan in each routine', async () => {
    const { pool } = await createSite({})
    const { rows } = await pool.query(
      "select distinct proconfig::text as config from pg_proc where proname like '%' || $1",
      [ROUTINE_VERSION],
    )
    expect(rows).toEqual([{ config: '{jit=off,plan_cache_mode=force_generic_plan}' }])
  })

  it.each([
    [
      'a tampered body',
      (name: string) => `create or replace function ${name}(text) returns table (read_one text, number text)
      language plpgsql as 'begin return query select ''planted'', null; end'`,
    ],
    ['security definer', (name: string) => `alter function ${name}(text) security definer`],
    ['another volatility', (name: string) => `alter function ${name}(text) stable`],
    ['a null return for null input', (name: string) => `alter function ${name}(text) strict`],
    ['another overload', (name: string) => `create function ${name}(integer) returns int language sql as 'select 1'`],
  ])('restores a routine with %s', async (_name, change) => {
    const site = await createSite({})
    const before = await installed(site.pool)
    await site.pool.query(change(`public."${READ}"`))
    await migrate(site.db)
    const after = await site.pool.query(
      `select p.prosrc like '%#variable_conflict%' and not prosecdef and provolatile = 'v' and not proisstrict as fine
      from pg_proc as p where proname = $1`,
      [READ],
    )
    expect(after.rows).toEqual([{ fine: true }])
    const others = (list: typeof before) => list.filter(({ name }) => name !== READ)
    expect(others(await installed(site.pool))).toEqual(others(before))
    const cache = site.create()
    await cache.set('key', 1)
    expect(await cache.get('key')).toBe(1)
  })
})

describe('routine names for tables of any name', () => {
  const names = [
    { prefix: 'a_' },
    { schema: 'Own "Schema"' },
    { schema: 'public', prefix: `it's 100% "of" \\ a.b;--` },
    { schema: 'with.dots $pgstash$', prefix: '%1$I %s' },
    { prefix: 'ünïcödé_' },
    { prefix: 'p'.repeat(33) },
    { schema: 's'.repeat(63), prefix: `${'é'.repeat(16)}_` },
  ]
  it.each(names.map((name) => [JSON.stringify(name), name] as const))('%s', async (_shown, name) => {
    const tables = cacheTables(name)
    const site = await createSite({ tables })
    const first = await installed(site.pool)
    expect(first.length).toBe(COUNT)
    expect(new Set(first.map((one) => one.schema))).toEqual(new Set([name.schema ?? 'public']))
    await migrate(site.db, { tables })
    expect(await installed(site.pool)).toEqual(first)
    site.faults.reset()
    const cache = site.create()
    await cache.set('key', 1, { tags: ['x'] })
    expect(await cache.getOrSet('key', () => 2)).toBe(1)
    expect(await cache.increment('key')).toBe(2)
    expect(await cache.clear()).toBe(1)
    expect(site.faults.log.map(({ sql }) => sql[0]?.includes(`_${ROUTINE_VERSION}"(`))).toEqual([
      true,
      true,
      true,
      true,
    ])
    await migrate(site.db, { tables, routines: false })
    expect(await installed(site.pool)).toEqual([])
  })

  it('are unique and at most 63 bytes, so that Postgres truncates none', () => {
    for (const prefix of ['', 'p'.repeat(33), `${'é'.repeat(16)}_`]) {
      const all = Object.keys(ROUTINE_PARAMETERS).map((name) => routineName({ prefix }, name))
      expect(new Set(all).size).toBe(COUNT)
      for (const name of all) expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(63)
    }
  })

  it('keep the routines of two caches in one schema apart', async () => {
    const other = cacheTables({ prefix: 'other_' })
    const site = await createSite({})
    await migrate(site.db, { tables: other })
    await migrate(site.db, { routines: false })
    expect((await installed(site.pool)).map(({ name }) => name.slice(0, 12))).toEqual(Array(COUNT).fill('other_cache_'))
    await createCache(site.db, { tables: other }).set('key', 1)
  })
})
