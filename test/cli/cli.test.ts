import pg from 'pg'
import { migrationSql } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'
import { run } from './command.ts'

async function tables(url: string): Promise<string[]> {
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query("select tablename from pg_tables where tablename like '%cache_%' order by 1")
  await client.end()
  return rows.map(({ tablename }) => tablename)
}

const TABLES = ['cache_changes', 'cache_entries', 'cache_history', 'cache_invalidations', 'cache_leases', 'cache_state']

describe('pgstash migrate', () => {
  it('reports tables with row-level security', async () => {
    const url = await createDatabase()
    await run(['migrate', '--database-url', url])
    await createPool(url).query('alter table cache_invalidations enable row level security')
    const { code, out, err } = await run(['migrate', '--database-url', url])
    expect([code, out]).toEqual([0, expect.stringContaining('already current')])
    expect(err).toMatch(/^Row-level security is on for cache_invalidations\..+`pgstash doctor`/)
  })

  it('reports its result over TCP: created, already current, updated', async () => {
    const url = await createDatabase()
    const { host, pathname } = new URL(url)
    const name = `${host}${pathname}`
    const first = await run(['migrate'], { DATABASE_URL: url })
    expect(first).toEqual({ code: 0, out: `Created the cache's tables in ${name}.\n`, err: '' })
    expect(await tables(url)).toEqual(TABLES)
    const second = await run(['migrate', '--database-url', url])
    expect(second).toEqual({ code: 0, out: `The cache's tables in ${name} are already current.\n`, err: '' })
    const third = await run(['migrate', '--database-url', url, '--fillfactor', '70'])
    expect(third.out).toBe(`Updated the cache's tables in ${name}: cache_entries, cache_leases.\n`)
  })

  it('reports its result as JSON', async () => {
    const url = await createDatabase()
    const { host, pathname } = new URL(url)
    const database = `${host}${pathname}`
    const migrated = async (...args: string[]) => {
      const { out } = await run(['migrate', '--json', '--database-url', url, ...args])
      return JSON.parse(out)
    }
    expect(await migrated()).toEqual({ database, result: 'created', changed: TABLES })
    expect(await migrated()).toEqual({ database, result: 'current', changed: [] })
    const { result, changed } = await migrated('--changes')
    expect([result, changed]).toEqual(['updated', expect.arrayContaining(['cache_entries'])])
    await createPool(url).query('drop table cache_history')
    expect(await migrated('--changes')).toEqual({ database, result: 'updated', changed: ['cache_history'] })
    expect(await migrated('--table-prefix', 'other_')).toMatchObject({ result: 'created' })
  })

  it('creates tables over HTTP, at the endpoint of a local Neon', async () => {
    const url = await createDatabase()
    const { server, faults } = await createNeon(url)
    const { code } = await run(['migrate'], {
      DATABASE_URL: server.connectionString,
      NEON_FETCH_ENDPOINT: server.endpoint,
    })
    expect(code).toBe(0)
    // The migration, and a query about the tables before and after it.
    expect(faults.requests).toBe(3)
    expect(await tables(url)).toEqual(TABLES)
  })

  it('accepts names and settings', async () => {
    const url = await createDatabase()
    const pool = createPool(url)
    await run([
      'migrate',
      '--database-url',
      url,
      '--schema',
      'own',
      '--table-prefix',
      'a_',
      '--fillfactor',
      '70',
      '--unlogged',
    ])
    const { rows } = await pool.query(
      "select reloptions, relpersistence from pg_class where oid = 'own.a_cache_entries'::regclass",
    )
    expect(rows).toEqual([{ reloptions: expect.arrayContaining(['fillfactor=70']), relpersistence: 'u' }])
  })

  it('installs routines, and reports that; --no-routines drops them', async () => {
    const url = await createDatabase()
    const routines = async () =>
      (await createPool(url).query("select from pg_proc where proname ~ '^cache_.*_[0-9a-f]{8}$'")).rowCount
    await run(['migrate', '--database-url', url])
    expect(await routines()).toBeGreaterThan(50)
    const without = await run(['migrate', '--database-url', url, '--no-routines'])
    expect(without.out).toMatch(/^Updated the cache's tables in .+: routines\.\n$/)
    expect(await routines()).toBe(0)
    const { out } = await run(['migrate', '--json', '--database-url', url, '--routine-retention-days', '0'])
    expect(JSON.parse(out)).toMatchObject({ result: 'updated', changed: ['routines'] })
    expect(await routines()).toBeGreaterThan(50)
  })

  it('prints the SQL that it would run, and runs nothing', async () => {
    expect(await run(['migrate', '--print-sql'])).toEqual({ code: 0, out: migrationSql(), err: '' })
    const named = await run(['migrate', '--print-sql', '--table-prefix', 'a_', '--fillfactor', '70'])
    expect(named.out).toBe(migrationSql({ tables: cacheTables({ prefix: 'a_' }), fillfactor: 70 }))
    const without = await run(['migrate', '--print-sql', '--no-routines', '--routine-retention-days', '7'])
    expect(without.out).toBe(migrationSql({ routines: false, routineRetentionDays: 7 }))
    expect(without.out).not.toContain('return query')
    expect(named.out).toContain('return query')
  })

  const SECRET = 's3cret'
  it.each([
    ['no database is named', 2, ['migrate'], 'set DATABASE_URL in the environment or in .env.local'],
    ['the URL is invalid', 2, ['migrate', '--database-url', SECRET], 'postgresql://user:password@host/database'],
    [
      'nothing listens at the address',
      3,
      ['migrate', '--database-url', `postgres://u:${SECRET}@127.0.0.1:1/x`],
      'The connection was refused (ECONNREFUSED)',
    ],
    [
      'a name is too long',
      2,
      ['migrate', '--print-sql', '--table-prefix', 'p'.repeat(64)],
      'a prefix of at most 33 bytes',
    ],
    [
      'a setting is out of range',
      2,
      ['migrate', '--print-sql', '--fillfactor', '5'],
      'fillfactor to be a number from 10 to 100',
    ],
    [
      'a retention is out of range',
      2,
      ['migrate', '--print-sql', '--routine-retention-days', '-1'],
      'routineRetentionDays to be a number from 0 to 3650',
    ],
    ['a setting is not a number', 2, ['migrate', '--print-sql', '--fillfactor', 'x'], 'Expected a number'],
    ['an option is unknown', 2, ['migrate', '--nope'], "unknown option '--nope'"],
    ['a pause is invalid', 2, ['stats', '--watch', '--every', '0'], 'Expected more than 0'],
    ['a pause is longer than timers allow', 2, ['stats', '--watch', '--every', '10000000000'], 'Expected more than 0'],
    ['a URL is in the wrong place', 2, [`postgres://u:p@${SECRET}@host/x`], 'unknown command'],
    ['a command is unknown', 2, ['nope'], "unknown command 'nope'"],
  ])('prints one line when %s, and exits with %i', async (_name, exitCode, args, message) => {
    const { code, out, err } = await run(args)
    expect(code).toBe(exitCode)
    expect(out).toBe('')
    expect(err).toContain(message)
    expect(err).not.toMatch(/^\s+at /m)
    expect(err).not.toContain(SECRET)
  })

  it('reports a wrong password without showing it', async () => {
    const url = new URL(await createDatabase())
    url.password = SECRET
    const { code, err } = await run(['migrate', '--database-url', url.href])
    // A server that trusts local connections needs no password.
    if (code !== 0) expect(err).toBe('pgstash: Postgres refused the password of the connection string.\n')
    expect(err).not.toContain(SECRET)
  })
})

describe('pgstash watch and unwatch', () => {
  it.each(['over TCP', 'over HTTP'])('watch tables, list them, and stop watching them, %s', async (way) => {
    const url = await createDatabase()
    const pool = createPool(url)
    await pool.query('create table products (id int primary key); create table "Odd.one" (id int primary key)')
    const site = way === 'over HTTP' ? await createNeon(url) : undefined
    const variables = site
      ? { DATABASE_URL: site.server.connectionString, NEON_FETCH_ENDPOINT: site.server.endpoint }
      : { DATABASE_URL: url }
    await run(['migrate'], variables)
    expect(await run(['watch', '--list'], variables)).toEqual({ code: 0, out: '', err: '' })
    const watched = await run(['watch', 'products', '"Odd.one"'], variables)
    expect(watched).toMatchObject({ code: 0, out: expect.stringMatching(/^Watching products, "Odd\.one" in .+\.\n$/) })
    expect((await run(['watch', 'public.products', '--rows'], variables)).code).toBe(0)
    expect((await run(['watch', '--list'], variables)).out).toBe('public."Odd.one"\npublic.products (rows)\n')
    await pool.query('insert into products values (1)')
    const { rows } = await pool.query('select tag from cache_invalidations order by 1')
    expect(rows).toEqual([{ tag: 'row:public.products:1' }, { tag: 'table:public.products' }])
    expect((await run(['unwatch', 'public."Odd.one"'], variables)).code).toBe(0)
    expect((await run(['watch', '--list'], variables)).out).toBe('public.products (rows)\n')
    expect((await run(['unwatch', '--all'], variables)).out).toMatch(/^No longer watching any table in /)
    expect((await run(['watch', '--list'], variables)).out).toBe('')
  })

  it.each([
    ['no table is named', ['watch'], 'Expected tables to watch, or --list'],
    ['tables are named with --list', ['watch', 'a', '--list'], 'Expected tables to watch, or --list'],
    ['no table is named to stop watching', ['unwatch'], 'or --all'],
    ['no database is named', ['watch', 'a'], 'set DATABASE_URL in the environment or in .env.local'],
  ])('print one line and exit with 2 when %s', async (_name, args, message) => {
    const { code, err } = await run(args)
    expect([code, err.includes(message), /^\s+at /m.test(err)]).toEqual([2, true, false])
  })

  it('give the reason why a table cannot be watched', async () => {
    const url = await createDatabase()
    expect((await run(['watch', 'a', '--database-url', url])).err).toContain('run `pgstash migrate`')
    await run(['migrate', '--database-url', url])
    expect(await run(['watch', 'a', '--database-url', url])).toMatchObject({
      code: 2,
      err: 'pgstash: Expected tables that exist, and that the role may see.\n',
    })
  })
})
