/** Row-level security on the cache's tables may cost hits, but never exactness. */

import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { createCache, memoryCache, tieredCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { examine } from '../../src/doctor/examine.ts'
import { createRunner } from '../../src/postgres/runner.ts'
import { defaultTables } from '../../src/schema/index.ts'
import { namesOf } from '../../src/schema/table-names.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

let owner: pg.Pool
let app: pg.Pool
let role: string
const TABLES = ['entries', 'leases', 'invalidations', 'state', 'changes', 'history'].map((name) => `cache_${name}`)
const on = (pool: pg.Pool) => createCache(drizzle(pool))

beforeAll(async () => {
  const url = await createDatabase()
  owner = createPool(url, { max: 4 })
  role = `app_${crypto.randomUUID().slice(0, 8)}`
  await migrate(drizzle(owner), { changes: true })
  await owner.query(
    `create role ${role} login password 'p'; grant select, insert, update, delete on ${TABLES.join(', ')} to ${role}`,
  )
  cleanup(() => owner.query(`drop owned by ${role}; drop role ${role}`))
  const own = new URL(url)
  own.username = role
  own.password = 'p'
  app = createPool(own.href, { max: 4 })
})
beforeEach(async () => {
  for (const table of TABLES) {
    await owner.query(`alter table ${table} disable row level security; alter table ${table} no force row level security;
      drop policy if exists shown on ${table}`)
  }
  await owner.query(
    `alter role ${role} nobypassrls; truncate cache_entries, cache_leases, cache_invalidations, cache_changes`,
  )
})

const rowSecurityOf = async (pool: pg.Pool) => {
  const runner = createRunner(drizzle(pool), {
    tables: namesOf(defaultTables),
    timeoutMs: 30_000,
    preparedNames: false,
  })
  const findings = await examine({
    runner,
    tables: namesOf(defaultTables),
    host: '127.0.0.1',
    port: 1,
    isHttp: false,
    now: Date.now,
  })
  return findings
    .filter(({ check }) => check === 'row-security')
    .map(({ status, what }) => `${status}: ${what}`)
    .join('\n')
}

describe.each([
  ['no policy', ''],
  ['a policy that shows some rows', 'create policy shown on %s using (false)'],
  ['a policy that shows all rows', 'create policy shown on %s using (true)'],
])('with %s', (_name, policy) => {
  it.each(['cache_invalidations', 'cache_state'])(
    'on %s, no value is older than an invalidation, and untagged entries are served',
    async (table) => {
      await on(owner).setMany({ tagged: 'old' }, { tags: ['t'] })
      await on(owner).set('untagged', 1)
      await owner.query(`alter table ${table} enable row level security; ${policy.replace('%s', table)}`)
      await on(owner).invalidate('t')
      expect(await on(app).get('tagged')).toBe(undefined)
      expect((await on(app).getMany(['tagged', 'untagged'])).size).toBe(1)
      expect(await on(app).getOrSet('tagged', () => 'new', { tags: ['t'] })).toBe('new')
      expect(await rowSecurityOf(app)).toMatch(
        new RegExp(`^problem: Row-level security applies to ${role} on ${table}`),
      )
      expect(await rowSecurityOf(owner)).toMatch(new RegExp(`^note: Row-level security is on for ${table}`))
    },
  )
})

it('the owner, and a role that bypasses policies, are served as usual', async () => {
  for (const table of TABLES) await owner.query(`alter table ${table} enable row level security`)
  await owner.query(`alter role ${role} bypassrls`)
  await on(owner).set('key', 1, { tags: ['t'] })
  expect([await on(owner).get('key'), await on(app).get('key')]).toEqual([1, 1])
  await on(app).invalidate('t')
  expect([await on(owner).get('key'), await on(app).get('key')]).toEqual([undefined, undefined])
})

it('a first tier drops its copies if changes may be hidden', async () => {
  const cache = tieredCache({ l1: memoryCache(), l2: on(app), changes: true, l1Expiration: '1h' })
  await on(owner).set('key', 'old')
  await on(owner).set('other', 1)
  expect(await cache.get('key')).toBe('old')
  await owner.query('alter table cache_changes enable row level security')
  await on(owner).set('key', 'new')
  // Any read of the second tier brings the changes.
  await cache.get('other')
  expect(await cache.get('key')).toBe('new')
})

it.each(TABLES)('migrate refuses if policies apply to the migrating role on %s, and changes nothing', async (table) => {
  const forced = drizzle(app)
  const tables = cacheTables({ schema: `s_${table}` })
  await owner.query(`create schema s_${table} authorization ${role}`)
  await migrate(forced, { tables })
  await owner.query(`alter table s_${table}.${table} enable row level security`)
  await migrate(forced, { tables })
  await owner.query(`alter table s_${table}.${table} force row level security`)
  await expect(migrate(forced, { tables, changes: true })).rejects.toMatchObject({
    code: 'DATABASE',
    message: expect.stringMatching(new RegExp(`Expected to see every row of ${table},.+FORCE`)),
  })
  expect(
    (
      await owner.query(
        "select 1 from pg_trigger where tgrelid::regclass::text like 's\\_%' and tgname like 'cache_note%'",
      )
    ).rows,
  ).toEqual([])
})
