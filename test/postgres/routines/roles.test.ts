/** `migrate` replaces and drops only its own functions, and only roles with grants call routines. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables, defaultTables } from 'pgstash/schema'
import { expect, it } from 'vitest'
import { ROUTINE_VERSION } from '../../../src/postgres/routines/generated.ts'
import { routineName } from '../../../src/postgres/routines/routine-call.ts'
import { createPool } from '../../setup/databases.ts'
import { createNeon } from '../../setup/neon.ts'
import { asRole, createRole, createSite, installed, setsOf } from './site.ts'

const READ = routineName(defaultTables, 'read_one')

it('migrate refuses a function of another role that has a routine’s name, and changes nothing', async () => {
  const site = await createSite({ routines: false })
  const planter = await createRole(site, 'grant create, usage on schema public to')
  await planter.query(`create function "${READ}"(text) returns text language sql as 'select current_user::text'`)
  await expect(migrate(site.db, { changes: true })).rejects.toMatchObject({
    code: 'DATABASE',
    sqlState: 'PGSFN',
    message: expect.stringContaining('functions of the cache to belong to the role that migrates'),
  })
  expect((await installed(site.pool)).length).toBe(0)
  expect((await site.pool.query("select from pg_trigger where tgname like 'cache_note%'")).rowCount).toBe(0)
})

it('migrate leaves functions alone that are not routines, whatever the state records', async () => {
  const site = await createSite({})
  const planter = await createRole(site, 'grant create, usage on schema public to')
  await planter.query(`create function cache_theirs_aaaaaaaa() returns int language plpgsql as '
#variable_conflict use_column
begin return 1; end'`)
  await site.pool.query("create function precious() returns int language sql as 'select 1'")
  await site.pool.query("create function cache_mine_aaaaaaaa() returns int language sql as 'select 1'")
  await site.pool.query(`insert into cache_state (name, value) values ('routines aaaaaaaa',
    '{"functions": ["precious", "cache_theirs_aaaaaaaa", "cache_mine_aaaaaaaa"], "replacedAt": "2000-01-01"}')`)
  await migrate(site.db)
  const { rows } = await site.pool.query(
    "select proname from pg_proc where proname in ('precious', 'cache_theirs_aaaaaaaa', 'cache_mine_aaaaaaaa')",
  )
  expect(rows.length).toBe(3)
  // Until somebody drops the function that looks like a routine.
  expect(await setsOf(site)).toMatchObject({ aaaaaaaa: false })
  await planter.query('drop function cache_theirs_aaaaaaaa')
  await migrate(site.db)
  expect(await setsOf(site)).toEqual({ [ROUTINE_VERSION]: true })
})

it('a role with the documented grants can call every routine', async () => {
  const tables = cacheTables({ schema: 'cache' })
  const site = await createSite({ tables })
  const role = await createRole(
    site,
    'grant usage on schema cache to',
    'grant select, insert, update, delete on all tables in schema cache to',
  )
  const neon = await createNeon(asRole(site.url, role.name))
  const cache = createCache(neon.db, { tables, timeout: 60_000 })
  await cache.set('key', 1, { tags: ['x'] })
  expect(await cache.getOrSet('key', () => 2)).toBe(1)
  expect(await cache.limit('calls', { limit: 1, period: 60 })).toMatchObject({ allowed: true })
  await cache.invalidate('x')
  await cache.clearExpired()
  expect(await cache.clear()).toBe(1)
  expect(neon.faults.log.every(({ sql, status }) => status === 200 && sql[0]?.includes(`_${ROUTINE_VERSION}"(`))).toBe(
    true,
  )
  // The role can do nothing else with them.
  await expect(role.query(`drop function cache."${READ}"`)).rejects.toMatchObject({ code: '42501' })
})

it('migrate needs no right to create functions or to write the state once the set is installed', async () => {
  const tables = cacheTables({ schema: 'cache' })
  const site = await createSite({ tables })
  const role = await createRole(site, 'grant usage on schema cache to', 'grant select on all tables in schema cache to')
  await migrate(drizzle(createPool(asRole(site.url, role.name))), { tables })
  // This holds even if an outdated set remains, whose functions only the owner may drop.
  await site.pool.query(`alter function cache."${READ}"(text) rename to cache_read_one_aaaaaaaa`)
  await migrate(site.db, { tables })
  await site.pool.query(`insert into cache.cache_state (name, value) values ('routines aaaaaaaa',
    '{"functions": ["cache_read_one_aaaaaaaa"], "replacedAt": "2000-01-01"}')`)
  await migrate(drizzle(createPool(asRole(site.url, role.name))), { tables })
  expect((await site.pool.query("select from pg_proc where proname = 'cache_read_one_aaaaaaaa'")).rowCount).toBe(1)
  await migrate(site.db, { tables })
  expect((await site.pool.query("select from pg_proc where proname = 'cache_read_one_aaaaaaaa'")).rowCount).toBe(0)
})
