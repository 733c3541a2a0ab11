/** Tables that Citus distributes. The test creates the Citus catalog by hand, because Citus is not installed. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { findingsOf } from '../setup/doctor-findings.ts'
import { connectors } from '../setup/drivers.ts'
import { startServer } from '../setup/server.ts'

/** The columns of Citus 13. */
const CATALOGUE = `create table pg_catalog.pg_dist_partition (
  logicalrelid regclass not null primary key, partmethod "char" not null, partkey text,
  colocationid integer not null default 0, repmodel "char" not null default 'c', autoconverted boolean not null default false)`

let server: string
beforeAll(async () => {
  const started = await startServer(['allow_system_table_mods=on'])
  cleanup(started.stop)
  server = started.url
})

async function createCoordinator() {
  const url = await createDatabase(server)
  const pool = createPool(url)
  await pool.query(CATALOGUE)
  await pool.query('grant select on pg_catalog.pg_dist_partition to public')
  const distribute = (table: string, method = 'h') =>
    pool.query(`insert into pg_catalog.pg_dist_partition (logicalrelid, partmethod) values ('${table}', '${method}')`)
  return { url, pool, db: drizzle(pool), distribute }
}

async function finding(db: ReturnType<typeof drizzle>): Promise<string> {
  const found = await findingsOf(db)
  return found.flatMap(({ check, status, what }) => (check === 'distribution' ? [`${status}: ${what}`] : [])).join('\n')
}

describe('on a coordinator of Citus', () => {
  it('accepts plain tables', async () => {
    const { db } = await createCoordinator()
    await migrate(db)
    await migrate(db)
    expect(await finding(db)).toBe('ok: Citus is installed, and no table is distributed.')
  })

  it.each([
    ['distributed', 'cache_entries', 'h'],
    ['reference', 'cache_invalidations', 'n'],
  ])('migrate and doctor refuse %s tables', async (_kind, table, method) => {
    const { db, url, distribute } = await createCoordinator()
    await migrate(db)
    await distribute(table, method)
    for (const connect of Object.values(connectors)) {
      await expect(migrate(await connect(url))).rejects.toMatchObject({
        code: 'DATABASE',
        message: expect.stringContaining(`Expected ${table} to be a plain table, but Citus distributes it`),
      })
    }
    expect(await finding(db)).toMatch(new RegExp(`^problem: Citus distributes ${table}: `))
  })

  it('migrate creates no tables in a schema that Citus distributes', async () => {
    const { db, pool } = await createCoordinator()
    // Citus does this in a distributed schema.
    await pool.query(`create function distribute() returns event_trigger language plpgsql as $$ begin
      insert into pg_catalog.pg_dist_partition (logicalrelid, partmethod)
      select c.objid::regclass, 'n' from pg_event_trigger_ddl_commands() as c where c.object_type = 'table' on conflict do nothing;
    end $$`)
    await pool.query(
      `create event trigger distribute on ddl_command_end when tag in ('CREATE TABLE') execute function distribute()`,
    )
    const tables = cacheTables({ schema: 'sharded' })
    await expect(migrate(db, { tables })).rejects.toThrow('Expected cache_entries to be a plain table')
    expect((await pool.query(`select from pg_namespace where nspname = 'sharded'`)).rowCount).toBe(0)
  })

  it('doctor gives advice for distributed tables of the program', async () => {
    const { db, pool, distribute } = await createCoordinator()
    await migrate(db)
    await pool.query('create table products ()')
    await distribute('products')
    expect(await finding(db)).toMatch(/^note: Citus distributes tables of your application, but not the cache's: /)
  })
})
