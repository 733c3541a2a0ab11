/** Servers that lack features of Postgres that the cache needs, and engines that only speak its protocol. */
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleProxy } from 'drizzle-orm/pg-proxy'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import type { Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { findingsOf } from '../setup/doctor-findings.ts'
import { connectors } from '../setup/drivers.ts'

/** Features that a real server can lose, and how the messages call them. */
const LOSSES: [lost: string, statement: string, named: string][] = [
  ['PL/pgSQL', 'drop extension plpgsql', 'PL/pgSQL'],
  ['a function', 'alter function pg_catalog.pg_current_snapshot() rename to lost', 'pg_current_snapshot()'],
]

const DRIVERS: Record<string, (loss: string) => Promise<Database>> = {
  ...Object.fromEntries(
    Object.entries(connectors).map(([name, connect]) => [
      name,
      async (loss: string) => {
        const url = await createDatabase()
        await createPool(url).query(loss)
        return connect(url)
      },
    ]),
  ),
  async pglite(loss) {
    const client = new PGlite()
    cleanup(() => client.close())
    await client.exec(loss)
    return drizzlePglite({ client })
  },
}

async function findings(db: Database): Promise<string[]> {
  const found = await findingsOf(db)
  return found.flatMap(({ check, status, what }) => (status === 'problem' ? [`${check}: ${what}`] : []))
}

describe.each(Object.entries(DRIVERS))('over %s, on a server without', (_driver, connect) => {
  it.each(LOSSES)('%s, migrate and doctor name the missing feature', async (_lost, loss, named) => {
    const db = await connect(loss)
    const error = await migrate(db).catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'DATABASE',
      message: expect.stringContaining(`lacks: ${named}. Nothing was changed`),
    })
    expect(await findings(db)).toEqual([
      expect.stringContaining(
        `engine: Expected Postgres, or a server with its transaction ids, but this server lacks: ${named}.`,
      ),
    ])
  })
})

/** Answers every statement that contains the text with the failure that these engines document. */
const ENGINES: Record<string, { readonly failures: [text: RegExp, code: string][]; readonly lacks: string[] }> = {
  // https://github.com/cockroachdb/cockroach/issues/117126 shows the code for an unknown function.
  CockroachDB: {
    failures: [
      [/pg_current_snapshot|pg_visible_in_snapshot|pg_current_xact_id/, '42883'],
      [/xid8|pg_snapshot/, '42704'],
      [/\bxmin\b/, '42703'],
    ],
    lacks: ['the types xid8 and pg_snapshot', 'pg_current_snapshot()', 'the system columns xmin and ctid'],
  },
  // https://github.com/golang-migrate/migrate/issues/1289
  'Aurora DSQL': {
    failures: [
      [/^do /, '0A000'],
      [/advisory/, '0A000'],
      [/plpgsql/, '0A000'],
    ],
    lacks: ['advisory locks', 'PL/pgSQL'],
  },
  // https://github.com/yugabyte/yugabyte-db/issues/3642 and 24843
  YugabyteDB: {
    failures: [
      [/advisory/, '0A000'],
      [/\b(?:xmin|ctid)\b/, '0A000'],
    ],
    lacks: ['the system columns xmin and ctid', 'advisory locks'],
  },
  // PGAdapter raises this for statements that Spanner refuses.
  Spanner: {
    failures: [[/^do |pg_snapshot|xid8|plpgsql|xmin|advisory/, 'P0001']],
    lacks: ['the types xid8 and pg_snapshot'],
  },
}

function proxyOf(url: string, failures: [RegExp, string][]): Database {
  const pool = createPool(url)
  return drizzleProxy(async (text, values, method) => {
    const code = failures.find(([when]) => when.test(text))?.[1]
    if (code !== undefined) throw Object.assign(new Error('not supported'), { code })
    const query = { text, ...(values.length > 0 && { values }) }
    if (method === 'execute') return { rows: (await pool.query(query)).rows ?? [] }
    return { rows: (await pool.query({ ...query, rowMode: 'array' })).rows }
  })
}

describe.each(Object.entries(ENGINES))('on an engine that answers as %s', (_engine, { failures, lacks }) => {
  it('migrate refuses, and names the missing features', async () => {
    const db = proxyOf(await createDatabase(), failures)
    const error = (await migrate(db).catch((error: unknown) => error)) as Error
    for (const name of lacks) expect(error.message).toContain(name)
    expect(error.message).toContain('Nothing was changed')
  })

  it('doctor names the same, and sends no further statements', async () => {
    const said = await findings(proxyOf(await createDatabase(), failures))
    expect(said).toHaveLength(1)
    for (const name of lacks) expect(said[0]).toContain(name)
  })
})

it('doctor reports functions that return a constant', async () => {
  const url = new URL(await createDatabase())
  await createPool(url.href).query(`create schema constant;
    create function constant.pg_current_snapshot() returns pg_snapshot language sql as $$ select '1:1:'::pg_snapshot $$`)
  url.searchParams.set('options', '-c search_path=constant,pg_catalog,public')
  expect(await findings(drizzle(createPool(url.href)))).toEqual([
    expect.stringContaining('lacks: pg_current_snapshot().'),
  ])
})

describe('a failure for another reason', () => {
  it('keeps its message', async () => {
    const db = drizzle(createPool(await createDatabase()))
    await db.execute(sql`create view cache_entries as select 1 as key`)
    await expect(migrate(db)).rejects.toThrow('Expected cache_entries to be a table of the cache')
  })

  it('keeps its message in a failed transaction too', async () => {
    const db = drizzle(createPool(await createDatabase()))
    await db
      .transaction(async (tx) => {
        await expect(tx.execute(sql`select 1 / 0`)).rejects.toThrow()
        await expect(migrate(tx)).rejects.toMatchObject({ sqlState: '25P02' })
        await tx.rollback()
      })
      .catch(() => {})
  })
})
