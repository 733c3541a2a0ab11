import { NeonDbError, neon } from '@neondatabase/serverless'
import { count as drizzleCount, sql as drizzleSql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import type { LocalNeon } from '../../src/dev/index.ts'
import { KINDS, query, send, startKind } from './endpoint.ts'

const MEBIBYTE = 1024 * 1024

/** The fields that Neon's proxy puts into every error, in its order. */
const ERROR_FIELDS = [
  ...['message', 'code', 'detail', 'hint', 'position', 'internalPosition', 'internalQuery', 'severity', 'where'],
  ...['table', 'column', 'schema', 'dataType', 'constraint', 'file', 'line', 'routine'],
]

describe.each(KINDS)('the protocol in front of %s', (kind) => {
  let local: LocalNeon

  beforeAll(async () => {
    local = await startKind(kind)
    await query(local, 'create table item (id int primary key, name text not null check (length(name) < 9))')
  })

  const ids = async () => (await query(local, 'select id from item order by id')).json.rows.flat()

  it('answers one query with a result', async () => {
    const answer = await query(local, 'select $1::int as a, $2::text as b', ['1', null])
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.json).toMatchObject({ rows: [['1', null]], command: 'SELECT', rowCount: 1, rowAsArray: true })
    expect(Object.keys(answer.json)).toEqual(['rowAsArray', 'fields', 'rows', 'command', 'rowCount'])
  })

  it.each([
    ['create table if not exists other (a int)', 'CREATE', null],
    ['insert into other values (1), (2)', 'INSERT', 2],
    ['update other set a = a + 1', 'UPDATE', 2],
    ['select * from other where false', 'SELECT', 0],
    ['delete from other', 'DELETE', 2],
    ['create table copied as select generate_series(1, 3)', 'SELECT', 3],
    ['-- nothing', '', null],
  ])('returns the command and its count: %s', async (sql, command, rowCount) => {
    expect((await query(local, sql)).json).toMatchObject({ command, rowCount })
  })

  it('accepts array mode from the header, or from the query', async () => {
    const sql = 'select 1 as a, 2 as b'
    const objects = await query(local, sql, [], { headers: { 'neon-array-mode': 'false' } })
    expect(objects.json).toMatchObject({ rowAsArray: false, rows: [{ a: '1', b: '2' }] })
    const arrays = await send(local, { body: { query: sql, arrayMode: true }, headers: { 'neon-array-mode': 'no' } })
    expect(arrays.json).toMatchObject({ rowAsArray: true, rows: [['1', '2']] })
  })

  it('refuses two statements in one query, as the extended protocol does', async () => {
    const answer = await query(local, 'select 1; select 2')
    expect(answer).toMatchObject({ status: 400, json: { code: '42601' } })
  })

  it.each(['/* load */ copy item from stdin', 'COPY (select 1) TO STDOUT'])(
    'refuses %s and stays usable',
    async (sql) => {
      expect((await query(local, sql)).status).toBe(400)
      expect((await query(local, 'select 1')).status).toBe(200)
    },
  )

  it.each([
    'select 1/0',
    'selec 1',
    'select * from nowhere',
    "insert into item values (1, 'much too long')",
    'insert into item values (1)',
    "select 'x'::int",
    "do $$ begin raise exception 'no' using detail = 'd', hint = 'h', errcode = 'P0042'; end $$",
    "do $$ begin execute 'selec inner'; end $$",
    'select $1::int',
  ])('reports an error as pg does: %s', async (sql) => {
    const client = new pg.Client(inject('databaseUrl'))
    await client.connect()
    await client.query('create temp table item (id int primary key, name text not null check (length(name) < 9))')
    // biome-ignore lint/suspicious/noExplicitAny: compared field by field.
    const expected: any = await client
      .query({ text: sql, queryMode: 'extended' } as pg.QueryConfig)
      .catch((error) => error)
    await client.end()
    const { status, json } = await query(local, sql)
    expect(status).toBe(400)
    expect(Object.keys(json)).toEqual(ERROR_FIELDS)
    // PGlite's version may differ from the server's, and so may the source location of an error.
    const elsewhere = ['schema', 'detail', 'file', 'line', 'routine']
    for (const field of ['file', 'line', 'routine']) expect(json[field], field).toEqual(expect.any(String))
    for (const field of ERROR_FIELDS.filter((name) => !elsewhere.includes(name))) {
      const hidden = field.startsWith('internal') && expected.position !== undefined
      expect(json[field], field).toBe(hidden ? null : (expected[field] ?? null))
    }
  })

  it('gives the driver every field of an error', async () => {
    const sql = neon(local.connectionString)
    const error = await sql`insert into item values (1, ${'much too long'})`.catch((reason) => reason)
    expect(error).toBeInstanceOf(NeonDbError)
    expect(error).toMatchObject({ code: '23514', severity: 'ERROR', table: 'item', constraint: 'item_name_check' })
    expect(error.column).toBeUndefined()
  })

  it('runs a batch as one transaction', async () => {
    const sql = neon(local.connectionString)
    const results = await sql.transaction([
      sql`insert into item values (10, 'ten')`,
      sql`select name from item where id = 10`,
      sql`select pg_current_xact_id_if_assigned() is not null as same`,
    ])
    expect(results).toEqual([[], [{ name: 'ten' }], [{ same: true }]])
  })

  it('rolls back a whole batch if one statement fails', async () => {
    const before = await ids()
    const sql = neon(local.connectionString)
    const batch = sql.transaction([
      sql`insert into item values (20, 'a')`,
      sql`select 1/0`,
      sql`insert into item values (21, 'b')`,
    ])
    await expect(batch).rejects.toMatchObject({ code: '22012' })
    expect(await ids()).toEqual(before)
  })

  it('reports a constraint that fails at commit', async () => {
    await query(local, 'create table late (a int unique deferrable initially deferred)')
    const sql = neon(local.connectionString)
    const batch = sql.transaction([sql`insert into late values (1)`, sql`insert into late values (1)`])
    await expect(batch).rejects.toMatchObject({ code: '23505' })
  })

  it('answers an empty batch', async () => {
    expect((await send(local, { body: { queries: [] } })).json).toEqual({ results: [] })
  })

  it.each([
    ['ReadUncommitted', 'read uncommitted'],
    ['ReadCommitted', 'read committed'],
    ['RepeatableRead', 'repeatable read'],
    ['Serializable', 'serializable'],
  ])('runs a batch at isolation level %s and returns the headers', async (level, expected) => {
    const answer = await send(local, {
      body: {
        queries: [
          { query: "select current_setting('transaction_isolation'), current_setting('transaction_deferrable')" },
        ],
      },
      headers: { 'neon-batch-isolation-level': level, 'neon-batch-deferrable': 'true' },
    })
    expect(answer.json.results[0].rows).toEqual([[expected, 'on']])
    expect(answer.headers).toMatchObject({ 'neon-batch-isolation-level': level, 'neon-batch-deferrable': 'true' })
  })

  it('refuses an unknown isolation level', async () => {
    const options = { body: { queries: [] }, headers: { 'neon-batch-isolation-level': 'Chaos' } }
    expect(await send(local, options)).toMatchObject({
      status: 400,
      json: { message: 'invalid isolation level', code: '' },
    })
  })

  it('refuses writes in a read-only batch', async () => {
    const sql = neon(local.connectionString)
    const batch = sql.transaction([sql`insert into item values (30, 'x')`], { readOnly: true })
    await expect(batch).rejects.toMatchObject({ code: '25006' })
  })

  it.each([
    ['not JSON', '{"query"', 'could not parse the HTTP request body: expected JSON'],
    ['a JSON string', '"select 1"', undefined],
    ['no query', '{"params":[]}', undefined],
    ['null as params', '{"query":"select 1","params":null}', undefined],
    ['a batch with a bad query', '{"queries":[{"query":"select 1"},{"sql":"select 2"}]}', undefined],
    ['an empty body', '', undefined],
  ])('refuses %s as malformed, without quoting it', async (_name, body, message) => {
    const answer = await send(local, { body })
    expect(answer).toMatchObject({ status: 400, json: { code: '', severity: '' } })
    expect(answer.json.message).toMatch(message ?? /^could not parse the HTTP request body: /)
    expect(answer.text).not.toContain('select')
  })

  it('refuses a body that is not UTF-8', async () => {
    expect((await send(local, { body: Buffer.from('{"query":"select \'\xff\'"}', 'latin1') })).status).toBe(400)
  })

  it('refuses a request over 64 MiB with 413, with and without a Content-Length', async () => {
    const body = Buffer.alloc(64 * MEBIBYTE + 1, 32)
    const message = 'request is too large (max is 67108864 bytes)'
    expect(await send(local, { body })).toMatchObject({ status: 413, json: { message } })
    expect(await send(local, { body, headers: { 'transfer-encoding': 'chunked' } })).toMatchObject({ status: 413 })
  })

  it('refuses an answer over 64 MiB with 507 and stays usable', async () => {
    const answer = await query(local, "select repeat('x', 1048576) from generate_series(1, 65)")
    expect(answer).toMatchObject({ status: 507, json: { message: 'response is too large (max is 67108864 bytes)' } })
    expect((await query(local, 'select 1')).status).toBe(200)
  })

  it('does not leak session state from one request to the next', async () => {
    // With one connection the probe waits until the session is clean. With several it could use another connection, and
    // see a lock that the first is about to release.
    const single = await startKind(kind, { poolSize: 1 })
    const probe = async () =>
      (
        await query(
          single,
          `select current_setting('timezone'), current_user, current_setting('my.setting', true), to_regclass('pg_temp.t'),
            (select count(*) from pg_prepared_statements), (select count(*) from pg_locks where locktype = 'advisory'
              and database = (select oid from pg_database where datname = current_database()))`,
        )
      ).json.rows
    const before = await probe()
    for (const sql of [
      "set timezone to 'Asia/Tokyo'",
      "select set_config('my.setting', 'leaked', false)",
      'create temp table t (a int)',
      'prepare p as select 1',
      'select pg_advisory_lock(7)',
      'set role pg_monitor',
      'begin',
    ]) {
      expect((await query(single, sql)).status, sql).toBe(200)
      expect(
        (await probe()).map((row: unknown[]) => row.map((value) => value || null)),
        sql,
      ).toEqual(before.map((row: unknown[]) => row.map((value) => value || null)))
    }
  })

  it('rolls back a transaction that a request left open', async () => {
    const before = await ids()
    await query(local, 'begin')
    await query(local, "insert into item values (40, 'kept')")
    await query(local, 'rollback')
    expect(await ids()).toEqual([...before, 40].sort((a, b) => Number(a) - Number(b)).map(String))
  })

  it('serves Drizzle: queries, batches and errors', async () => {
    const thing = pgTable('thing', {
      id: integer().primaryKey(),
      name: text().notNull(),
      data: jsonb(),
      at: timestamp({ withTimezone: true, mode: 'date' }).notNull(),
    })
    const db = drizzle(neon(local.connectionString))
    const at = new Date('2024-02-29T12:34:56.789Z')
    await db.execute(
      drizzleSql`create table thing (id int primary key, name text not null, data jsonb, at timestamptz not null)`,
    )
    await db.insert(thing).values({ id: 1, name: 'ü', data: { a: [1, null] }, at })
    const [rows, count] = await db.batch([db.select().from(thing), db.select({ n: drizzleCount() }).from(thing)])
    expect(rows).toEqual([{ id: 1, name: 'ü', data: { a: [1, null] }, at }])
    expect(count).toEqual([{ n: 1 }])
    const error = await db
      .insert(thing)
      .values({ id: 1, name: 'again', at })
      .catch((reason) => reason)
    expect(error.cause).toMatchObject({ code: '23505', constraint: 'thing_pkey' })
  })
})
