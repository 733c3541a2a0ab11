/** Each finding, caused on a real server. */

import { type AddressInfo, connect as connectSocket, createServer } from 'node:net'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { examine, statusOf } from '../../src/doctor/examine.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { createRunner } from '../../src/postgres/runner.ts'
import { cacheTables, defaultTables } from '../../src/schema/index.ts'
import { namesOf } from '../../src/schema/table-names.ts'
import { createSite, inTerminal, run, WAYS } from '../cli/command.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createLonelyDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { startServer } from '../setup/server.ts'

async function createPatient(url?: string) {
  const address = url ?? (await createDatabase())
  const pool = createPool(address, { max: 1 })
  await migrate(drizzle(pool))
  return {
    url: address,
    pool,
    query: (text: string) => pool.query(text),
    findings: (from = address, now?: () => number) => findingsAt(from, now),
  }
}

async function findingsAt(
  url: string,
  now = Date.now,
  host = new URL(url).hostname,
  tables = defaultTables,
): Promise<Finding[]> {
  const { port } = new URL(url)
  const pool = createPool(url, { max: 1 })
  const runner = createRunner(drizzle(pool), { tables: namesOf(tables), timeoutMs: 30_000, preparedNames: false })
  return examine({ runner, tables: namesOf(tables), host, port: Number(port), isHttp: false, now })
}

/** The message of a check, in one line. */
const about = (findings: Finding[], check: string) =>
  findings
    .filter((finding) => finding.check === check)
    .map(({ status, what, advice }) => `${status}: ${what}${advice ? ` → ${advice}` : ''}`)
    .join('\n')

describe('doctor', () => {
  it('reports nothing for a healthy cache', async () => {
    const { findings } = await createPatient()
    const found = await findings()
    // The response time depends on the machine.
    const known = found.filter(({ check }) => check !== 'connection')
    expect(known.filter(({ status }) => status !== 'ok')).toEqual([])
    expect(statusOf(known)).toBe('ok')
    expect(new Set(found.map(({ check }) => check)).size).toBe(22)
  })

  it('reports an encoding that cannot hold every value', async () => {
    const url = new URL(await createDatabase())
    const name = url.pathname.slice(1)
    const admin = createPool(await createDatabase())
    await admin.query(`drop database "${name}"`)
    await admin.query(
      `create database "${name}" encoding 'LATIN1' template template0 locale_provider libc lc_collate 'C' lc_ctype 'C'`,
    )
    expect(about(await findingsAt(url.href), 'server')).toContain('problem: The encoding of the database is LATIN1.')
  })

  it('reports missing tables, or those of an older version', async () => {
    const { query, findings } = await createPatient()
    await query(
      "delete from cache_state where name like 'migration %' and name <> (select min(name) from cache_state where name like 'migration %')",
    )
    expect(about(await findings(), 'migrations')).toMatch(/^problem: Not applied yet: .+ → Run `pgstash migrate`/)
    await query("insert into cache_state (name, value) values ('migration 9999_later', '')")
    await migrate(drizzle(createPool((await createPatient()).url)))
    await query('drop table cache_history')
    expect(about(await findings(), 'migrations')).toMatch(
      /^problem: There is no cache_history, .+ → Run `pgstash migrate`/,
    )
    await query('drop table cache_leases')
    const found = await findings()
    expect(about(found, 'migrations')).toMatch(/^problem: There is no cache_leases, .+ → Run `pgstash migrate`/)
    expect(found.map(({ check }) => check)).not.toContain('vacuum')
  })

  it('does not mistake an unshareable response for a lost computation', async () => {
    const { query, findings } = await createPatient()
    await query(
      "insert into cache_leases (key, token, claimed_at, xid, expires_at) values ('http|x', 'pass', pg_current_snapshot(), pg_current_xact_id(), now() - interval '2 hours')",
    )
    expect(about(await findings(), 'leases')).toBe('ok: Nothing is being computed.')
  })

  it('reports tables of a newer version', async () => {
    const { query, findings } = await createPatient()
    await query("insert into cache_state (name, value) values ('migration 9999_later', '')")
    expect(about(await findings(), 'migrations')).toMatch(/^note: The tables are of a newer version/)
  })

  it('reports parts of the cache that belong to another role', async () => {
    const { query, findings } = await createPatient()
    expect(about(await findings(), 'ownership')).toMatch(/^ok/)
    const role = `planter_${crypto.randomUUID().slice(0, 8)}`
    await query(`create role ${role}; grant create on schema public to ${role}; set role ${role}`)
    cleanup(() => query(`drop owned by ${role}; drop role ${role}`))
    await query(
      "create function cache_watch_0123456789ab() returns trigger language plpgsql as 'begin return null; end'; reset role",
    )
    await query(`alter table cache_history owner to ${role}`)
    expect(about(await findings(), 'ownership')).toMatch(
      new RegExp(
        `^warning: The cache belongs to postgres, .+: cache_history to ${role}, the function cache_watch_0123456789ab to ${role}\\.`,
      ),
    )
  })

  it('reports an index that is missing, invalid, or makes touches expensive', async () => {
    const { query, findings } = await createPatient()
    await query('drop index cache_entries_cleanup_slot_idx')
    await query('alter table cache_invalidations drop constraint cache_invalidations_tag_xid_pk')
    await query('create index by_deadline on cache_entries (expires_at)')
    await query("insert into cache_entries (key, number) values ('a', 1), ('b', 1)")
    await expect(query('create unique index concurrently broken on cache_entries (number)')).rejects.toThrow()
    const said = about(await findings(), 'indexes')
    expect(said).toMatch(/problem: No index of cache_entries serves cleanup_slot.+create index concurrently/)
    expect(said).toMatch(/problem: No index of cache_invalidations serves tag, xid/)
    expect(said).toMatch(/warning: The index by_deadline is on expires_at/)
    expect(said).toMatch(/warning: The index broken is invalid.+reindex index concurrently broken/)
    expect(said.split('\n').length).toBe(4)
  })

  it('reports an index that is not in byte order', async () => {
    const { query, findings } = await createPatient()
    await query('alter table cache_entries alter column key type text')
    const said = about(await findings(), 'indexes')
    expect(said).toMatch(/^warning: The index cache_entries_pkey is not in byte order.+Run `pgstash migrate`/)
    expect(said.split('\n').length).toBe(1)
  })

  it('reports a missing storage setting, and disabled autovacuum', async () => {
    const { query, findings } = await createPatient()
    await query('alter table cache_entries set (autovacuum_enabled = false)')
    await query('alter table cache_leases reset (fillfactor)')
    await query('alter table cache_leases set (autovacuum_enabled = 0)')
    const said = about(await findings(), 'settings')
    expect(said).toMatch(/problem: Autovacuum is switched off for cache_entries/)
    expect(said).toMatch(/problem: Autovacuum is switched off for cache_leases/)
    expect(said).toMatch(/warning: cache_leases lacks fillfactor/)
  })

  it('reports disabled autovacuum for the TOAST table', async () => {
    const { query, findings } = await createPatient()
    await query('alter table cache_entries set (toast.autovacuum_enabled = off)')
    expect(about(await findings(), 'settings')).toMatch(/^problem: Autovacuum is switched off for large values of/)
  })

  it('reports server settings that make writes to a large cache expensive', async () => {
    const server = await startServer(['autovacuum=off', 'max_wal_size=64MB', 'checkpoint_timeout=30s'])
    cleanup(server.stop)
    const { query, findings } = await createPatient(await createDatabase(server.url))
    expect(about(await findings(), 'settings')).toMatch(/^problem: Autovacuum is switched off for the whole server.+$/)
    // One row a page.
    await query('alter table cache_entries set (fillfactor = 10)')
    await query(
      `insert into cache_entries (key, value) select i::text, repeat(md5(i::text), 30) from generate_series(1, 34000) as i`,
    )
    const said = about(await findings(), 'settings')
    expect(said).toMatch(/^note: The entries take \d+ MB, and wal_compression is off.+Set wal_compression to lz4/m)
    expect(said).toMatch(/^note: checkpoint_timeout is 30 s/m)
    expect(said).toMatch(/^note: max_wal_size is 64 MB, less than the \d+ MB/m)
    await query('alter system set wal_compression = on')
    await query('select pg_reload_conf()')
    await eventually(async () => expect(about(await findings(), 'settings')).not.toContain('wal_compression'))
  })

  it('explains unlogged tables, with more emphasis on Neon', async () => {
    const { query, findings, url } = await createPatient()
    await query('alter table cache_entries set unlogged')
    expect(about(await findings(), 'unlogged')).toMatch(/^note: The tables are unlogged: a crash/)
    const onNeon = await findingsAt(url, Date.now, 'ep-cool-name-1.eu-central-1.aws.neon.tech')
    expect(about(onNeon, 'unlogged')).toMatch(/^problem: .+ this is Neon: each suspend/)
    await query('alter table cache_invalidations set unlogged')
    expect(about(await findings(), 'unlogged')).toMatch(/^problem: The log of invalidations is unlogged/)
  })

  it('reports that vacuum lags, for the table and its TOAST table', async () => {
    const { query, findings } = await createPatient()
    await query('alter table cache_entries set (autovacuum_enabled = false, toast.autovacuum_enabled = false)')
    // Random, so that compression does not keep it out of TOAST.
    await query(`insert into cache_entries (key, value)
      select 'k' || i, (select string_agg(md5(random()::text || i || j), '') from generate_series(1, 200) as j) from generate_series(1, 3000) as i`)
    await query('delete from cache_entries')
    await query('select pg_stat_force_next_flush()')
    const found = await findings()
    expect(about(found, 'vacuum')).toMatch(/^warning: Vacuum lags: 3,000 dead rows against 0 live ones, never vacuumed/)
    expect(about(found, 'toast')).toMatch(
      /^warning: Large values take [\d.]+ MB, in [\d,]+ dead chunks and 0 live chunks\. Vacuum does not keep up/,
    )
  })

  it('reports that updates rewrite the indexes', async () => {
    const { query, findings } = await createPatient()
    await query("insert into cache_entries (key, number) select 'k' || i, i from generate_series(1, 1500) as i")
    await query("update cache_entries set cleanup_slot = number, kept_until = now() + number * interval '1 hour'")
    await query('select pg_stat_force_next_flush()')
    expect(about(await findings(), 'heap-only')).toMatch(/^note: 0 % of 1,500 updates were heap-only/)
  })

  it('reports waiting expired entries, and that no cleanup seems to run', async () => {
    const { query, findings, url } = await createPatient()
    await query(`insert into cache_entries (key, number, expires_at, kept_until)
      select 'k' || i, i, now() - interval '1 hour', now() - interval '1 hour' from generate_series(1, 10) as i`)
    expect(about(await findings(), 'cleanup')).toMatch(
      /^ok: 10 expired entries wait for cleanup, the oldest for \d+ minutes/,
    )
    await query("update cache_entries set cleanup_slot = 0, kept_until = now() - interval '3 days'")
    const said = about(await findings(), 'cleanup')
    expect(said).toMatch(
      /^warning: No cleanup seems to run.+the oldest for 3 days; no run over the whole table is known.+pgstash clear-expired/,
    )
    await createCache(drizzle(createPool(url))).clearExpired()
    expect(about(await findings(), 'cleanup')).toMatch(
      /^ok: No expired entry waits for cleanup; the last run was about \d+ seconds? ago/,
    )
  })

  it('distinguishes running computations from lost ones', async () => {
    const { query, findings } = await createPatient()
    const lease = (key: string, deadline: string) =>
      query(`insert into cache_leases (key, token, expires_at) values ('${key}', 't', now() + interval '${deadline}')`)
    await lease('a', '10 minutes')
    expect(about(await findings(), 'leases')).toBe('ok: 1 key is being computed.')
    await lease('b', '-1 minute')
    expect(about(await findings(), 'leases')).toMatch(/^note: 1 key is being computed; 1 computation ran out of time/)
    await lease('c', '-2 hours')
    expect(about(await findings(), 'leases')).toMatch(/^warning: .+2 computations .+ the oldest 2 hours ago/)
  })

  it('reports a large log of invalidations', async () => {
    const { query, findings } = await createPatient()
    await query("insert into cache_invalidations (tag) select 't' || i from generate_series(1, 100000) as i")
    expect(about(await findings(), 'log')).toMatch(
      /^warning: The log of invalidations has 100,000 rows and takes [\d.]+ MB/,
    )
  })

  it('reports an open transaction that blocks cleanup', async () => {
    const { url, query, findings } = await createPatient(await createLonelyDatabase())
    const holder = new pg.Client(url)
    await holder.connect()
    cleanup(() => holder.end())
    await holder.query('begin')
    const { rows } = await holder.query('select pg_current_xact_id(), pg_backend_pid() as pid')
    await query("insert into cache_invalidations (tag) select 't' || i from generate_series(1, 10000) as i")
    expect(about(await findings(), 'transactions')).toMatch(
      new RegExp(`^warning: A transaction has been open for .+, by process ${rows[0].pid}: 10,000 invalidations`),
    )
    await holder.query('rollback')
    expect(about(await findings(), 'transactions')).toBe('ok: No transaction has been open for long.')
  })

  it('ignores a reading transaction in another database', async () => {
    const { url, query, findings } = await createPatient(await createLonelyDatabase())
    const elsewhere = new pg.Client(new URL('/postgres', url).href)
    await elsewhere.connect()
    cleanup(() => elsewhere.end())
    await elsewhere.query('begin isolation level repeatable read')
    await elsewhere.query('select 1')
    // A transaction elsewhere holds cleanup back, and not the one that is open here.
    const holder = new pg.Client(url)
    await holder.connect()
    cleanup(() => holder.end())
    await holder.query('begin')
    const { rows } = await holder.query('select pg_current_xact_id(), pg_backend_pid() as pid')
    await query("insert into cache_invalidations (tag) select 't' || i from generate_series(1, 10000) as i")
    expect(about(await findings(), 'transactions')).toContain(`by process ${rows[0].pid}: `)
  })

  it('reports a read-only server', async () => {
    const { query, findings } = await createPatient()
    await query(
      `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`,
    )
    expect(about(await findings(), 'server')).toMatch(/^problem: Transactions are read-only by default/)
  })

  it('reports that the clock of this machine is off', async () => {
    const { findings, url } = await createPatient()
    expect(about(await findings(url, () => Date.now() + 60_000), 'clock')).toMatch(/^warning: .+ \d+ seconds ahead of/)
    expect(about(await findings(url, () => Date.now() - 3_600_000), 'clock')).toMatch(/^warning: .+ \d+ minutes behind/)
  })

  it('reports a pooler in between', async () => {
    const { url } = await createPatient()
    const target = new URL(url)
    const forwarder = createServer((socket) => {
      const onwards = connectSocket(Number(target.port), target.hostname)
      for (const side of [socket, onwards]) side.on('error', () => {})
      socket.pipe(onwards).pipe(socket)
    })
    await new Promise<void>((resolve) => forwarder.listen(0, '127.0.0.1', resolve))
    cleanup(() => forwarder.close())
    const between = new URL(url)
    between.port = String((forwarder.address() as AddressInfo).port)
    expect(about(await findingsAt(between.href), 'pooler')).toMatch(/^note: The server listens on another port/)
  })
})

describe('doctor as a role with few rights', () => {
  it.each([
    ['nothing', '', /^problem: The role doctor_\w+ may not read/, /^note: Not checked: this role lacks the privilege/],
    [
      'only read',
      'grant select on all tables in schema public to',
      /^warning: The role doctor_\w+ may read the cache/,
      /^ok/,
    ],
  ])('that may %s reports that, and checks the rest', async (_name, grant, privileges, cleanupSays) => {
    const { url, query, findings } = await createPatient()
    const role = `doctor_${crypto.randomUUID().slice(0, 8)}`
    await query(`create role ${role} login password 'p'`)
    cleanup(() => query(`drop owned by ${role}; drop role ${role}`))
    if (grant) await query(`${grant} ${role}`)
    else await query(`grant select on cache_state to ${role}`)
    const own = new URL(url)
    own.username = role
    own.password = 'p'
    const found = await findings(own.href)
    expect(about(found, 'privileges')).toMatch(privileges)
    expect(about(found, 'privileges')).toContain(`, cache_history to ${role}`)
    expect(about(found, 'cleanup')).toMatch(cleanupSays)
    expect(about(found, 'transactions')).toMatch(grant ? /^note: This role sees only its own sessions/ : /^note/)
    expect(about(found, 'indexes')).toMatch(/^ok/)
  })
})

it('doctor reports a schema that the role may not use, as a problem and not as a note', async () => {
  const { url, query } = await createPatient()
  const role = `doctor_${crypto.randomUUID().slice(0, 8)}`
  const tables = cacheTables({ schema: 'hidden' })
  await migrate(drizzle(createPool(url)), { tables })
  await query(`create role ${role} login password 'p'`)
  cleanup(() => query(`drop owned by ${role}; drop role ${role}`))
  const own = new URL(url)
  own.username = role
  own.password = 'p'
  const found = await findingsAt(own.href, Date.now, own.hostname, tables)
  expect(about(found, 'migrations')).toMatch(/^problem: .+grant usage on schema hidden/)
  expect(found.map(({ check }) => check)).not.toContain('vacuum')
})

describe('pgstash doctor', () => {
  it.each(WAYS)('reports a healthy cache and exits with 0, %s', async (way) => {
    const { pgstash } = await createSite(way)
    const { code, out, err } = await pgstash(['doctor'])
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^(ok|note) +connection +The database answers in \d+ ms, over (TCP|HTTP)/)
    expect(out).toMatch(/^ok +migrations +The tables are up to date\.$/m)
    expect(out).not.toMatch(/^(warning|problem)/m)
  })

  it('exits with 1 if there are findings, in the status for monitoring', async () => {
    const { pgstash, url } = await createSite()
    await createPool(url).query('create index by_deadline on cache_entries (expires_at)')
    const { code, out } = await pgstash(['doctor', '--json'])
    expect(code).toBe(1)
    const { status, findings } = JSON.parse(out)
    expect(status).toBe('warning')
    expect(findings).toContainEqual({
      check: 'indexes',
      status: 'warning',
      what: expect.stringContaining('by_deadline'),
      advice: 'drop index concurrently by_deadline;',
    })
    expect((await pgstash(['doctor', '--fail-on', 'problem'])).code).toBe(0)
  })

  it('reports an unreachable database, without its password', async () => {
    const variables = { DATABASE_URL: 'postgres://u:s3cret@127.0.0.1:1/x' }
    const { code, out, err } = await run(['doctor'], variables)
    expect([code, err]).toEqual([1, ''])
    expect(out).toMatch(
      /^problem {2}connection {4}The connection was refused \(ECONNREFUSED\): nothing listens at the host and port of the connection string\.\n/,
    )
    expect(out).not.toContain('s3cret')
  })

  it('uses colours in a terminal', async () => {
    const { variables } = await createSite()
    const seen = inTerminal(['doctor'], variables)
    expect(await seen.ended()).toBe(0)
    expect(seen.raw()).toContain('\u001b[32mok')
  })
})
