/** Upgrades from every older version of the tables, while applications use them. */
import { readFile } from 'node:fs/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { migrations } from '../../src/migrate/migrations.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

/** Creates the tables of an older version: the first `count` migrations, with the storage settings of that time. */
async function installOlder(pool: pg.Pool, count: number): Promise<void> {
  for (const { name, statements } of migrations.slice(0, count)) {
    for (const statement of statements) await pool.query(statement)
    await pool.query("insert into cache_state (name, value) values ($1, '')", [`migration ${name}`])
  }
  await pool.query('insert into cache_entries (key, value) select n::text, $1 from generate_series(1, 1000) as n', [
    '1',
  ])
}

const olderStates: Record<string, (pool: pg.Pool) => Promise<unknown>> = {
  ...Object.fromEntries(
    migrations.map(({ name }, index) => [`as of ${name}`, (pool: pg.Pool) => installOlder(pool, index + 1)]),
  ),
  'of release 0.1.0': async (pool) =>
    pool.query(await readFile(new URL('../fixtures/installed-0.1.0.sql', import.meta.url), 'utf8')),
}

/**
 * Statements and transactions of applications, on columns that every version has. They lock the tables in every order.
 */
const TRAFFIC = [
  `with lease as (insert into cache_leases (key, expires_at) values ('1', now())
      on conflict (key) do update set xid = pg_current_xact_id() returning key)
    update cache_entries as e set value = '2' from lease where e.key = lease.key`,
  `with found as (select key from cache_entries where key = '2')
    insert into cache_leases (key, expires_at) select key, now() from found on conflict (key) do update set expires_at = now()`,
  `begin; update cache_leases set expires_at = now() where key = '3'; select pg_sleep(0.005);
    update cache_entries set value = '3' where key = '3'; commit; select pg_sleep(0.03)`,
  `begin; update cache_entries set value = '4' where key = '4'; select pg_sleep(0.005);
    select from cache_leases where key = '4'; commit; select pg_sleep(0.03)`,
  `begin; insert into cache_invalidations (tag) values ('tag') on conflict do nothing; select pg_sleep(0.005);
    select from cache_entries where key = '5'; commit; select pg_sleep(0.03)`,
]

/** Runs until it is stopped, and then returns how many runs failed. */
function startTraffic(pool: pg.Pool) {
  let isOver = false
  const failures: string[] = []
  let runs = 0
  const clients = TRAFFIC.map(async (statements) => {
    while (!isOver) {
      await pool.query(statements).then(
        () => runs++,
        (error) => failures.push(error.code),
      )
    }
  })
  const stop = async () => {
    isOver = true
    await Promise.all(clients)
    return failures
  }
  cleanup(stop)
  return { runs: () => runs, stop }
}

describe('a migration beside traffic', () => {
  for (const [state, install] of Object.entries(olderStates)) {
    it(`upgrades tables ${state}, and no concurrent statement fails`, async () => {
      const url = await createDatabase()
      const traffickers = createPool(url, { max: TRAFFIC.length })
      const pool = createPool(url)
      await install(pool)
      const traffic = startTraffic(traffickers)
      await expect.poll(traffic.runs).toBeGreaterThan(20)
      const { db } = await createNeon(url)
      await migrate(db, { changes: true })
      const after = traffic.runs()
      await expect.poll(traffic.runs).toBeGreaterThan(after + 20)
      expect(await traffic.stop()).toEqual([])
      const cache = createCache(drizzle({ client: pool }))
      expect(await cache.getOrSet('new', () => 'computed', { tags: ['tag'] })).toBe('computed')
    })
  }

  it('changes the storage of tables, and no concurrent statement fails', async () => {
    const url = await createDatabase()
    const db = drizzle({ client: createPool(url) })
    await migrate(db)
    const traffic = startTraffic(createPool(url, { max: TRAFFIC.length }))
    await migrate(db, { unlogged: true, compression: 'pglz', fillfactor: 70 })
    await migrate(db, { changes: true })
    expect(await traffic.stop()).toEqual([])
  })

  const touches = {
    leases: "update cache_leases set expires_at = now() where key = '1'",
    entries: "update cache_entries set value = '2' where key = '1'",
  }
  it.each([
    ['leases', 'entries'],
    ['entries', 'leases'],
  ] as const)('gives way to a transaction that uses %s and then %s', async (first, second) => {
    const url = await createDatabase()
    const pool = createPool(url)
    await installOlder(pool, 1)
    const user = await pool.connect()
    cleanup(() => user.release())
    await user.query(`begin; ${touches[first]}`)
    const migration = migrate(drizzle({ client: createPool(url) }))
    await expect.poll(() => waitsForLock(pool)).toBe(true)
    // Longer than `deadlock_timeout`, after which Postgres would abort the transaction in place of the migration.
    await user.query('select pg_sleep(1.2)')
    await user.query(`${touches[second]}; commit`)
    await migration
    expect(await createCache(drizzle({ client: pool })).getOrSet('1', () => 'computed')).toBeDefined()
  })

  it('lets other statements run while a transaction holds the tables', async () => {
    const url = await createDatabase()
    const pool = createPool(url)
    await installOlder(pool, 1)
    const reader = await pool.connect()
    cleanup(() => reader.release())
    await reader.query('begin; select from cache_entries limit 1')
    const migration = migrate(drizzle({ client: createPool(url) }))
    await expect.poll(() => waitsForLock(pool)).toBe(true)
    // This statement would wait for the reader if the migration stayed in the lock queue.
    await pool.query("select from cache_entries where key = '1'")
    await pool.query("insert into cache_leases (key, expires_at) values ('1', now())")
    expect(await pool.query("select from cache_state where name = 'migration 0001_fences'")).toMatchObject({ rows: [] })
    await reader.query('commit')
    await migration
    expect(await createCache(drizzle({ client: pool })).get('1')).toBe(1)
  })

  it('gives advice if a transaction never releases the tables, and leaves lock_timeout as it was', async () => {
    const url = await createDatabase()
    const pool = createPool(url)
    await installOlder(pool, 1)
    const reader = await pool.connect()
    cleanup(() => reader.release())
    await reader.query('begin; select from cache_entries limit 1')
    // Shorter than the migration's limit, to keep the test short.
    const hasty = createPool(url, { options: '-c lock_timeout=1', max: 1 })
    await expect(migrate(drizzle({ client: hasty }))).rejects.toMatchObject({
      sqlState: '55P03',
      message: expect.stringContaining('Nothing was changed'),
    })
    await reader.query('commit')
    await drizzle({ client: hasty }).transaction(async (tx) => {
      await migrate(tx)
      expect((await tx.execute('show lock_timeout')).rows).toEqual([{ lock_timeout: '1ms' }])
    })
  })
})

async function waitsForLock(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query(
    "select from pg_locks where not granted and mode = 'AccessExclusiveLock' and database = (select oid from pg_database where datname = current_database())",
  )
  return rows.length > 0
}
