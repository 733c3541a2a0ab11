/**
 * The estimates of statements that are sent inline, in a table of 8 GB. Routines turn JIT off, so their estimates do not
 * matter.
 *
 * The table's file is sparse. Postgres multiplies the density of rows at the last `analyze` by the size of the file, so
 * it plans as for 45 million entries.
 */
import { chown, open, stat, truncate } from 'node:fs/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Operation } from '../../../src/postgres/operation.ts'
import { createPool } from '../../setup/databases.ts'
import { type Server, startServer } from '../../setup/server.ts'
import { allOperations } from './operations.ts'
import { createEntries, explain, JIT_ABOVE_COST, type Node, nodesOf, prepareStatement } from './planned.ts'

/** Postgres keeps a table in files of this size. */
const FILE_BYTES = 2 ** 30
const FILES = 8

/**
 * Statements that may cross the limit in a table of this size: steps of a cleanup, which read up to 20,000 entries each.
 * All of them prefer their routine.
 */
const EXCEPTIONS = ['evict_in_range', 'sweep', 'sweep_in_range']

const LISTS = ['list', 'list_direct', 'browse'].flatMap((name) =>
  ['', '_live', '_expired', '_forever', '_invalidated'].map((state) => name + state),
)

/** Usual values of the parameters. Those that are not here are null. */
const VALUES: Record<string, string> = {
  ...{ key: 'ns1|key', value: 'value', tags: '["t1","u2"]', tag: 't1', token: 'token', computeMs: '5' },
  ...{ keys: '["ns1|a","ns1|b"]', values: '["1","2"]', numbers: '[null,null]', fractions: '[0.5,0.5]' },
  ...{ force: 'false', forCopy: 'false', early: '0', staleMs: '60000', leaseMs: '1000', backoffMs: '1000' },
  ...{ after: '60000', ttlMs: '60000', maxAgeMs: '3600000', lifeMs: '75000', retentionMs: '60000' },
  ...{ delta: '1', cost: '1', cap: '10', periodMs: '60000', refill: '1', sliding: 'false' },
  ...{ from: 'ns1|', to: 'ns1}', limit: '101', scopeLength: '4', batch: '5000', scan: '20000', rows: '50000' },
  ...{ slot: '1000', begin: 'true', trims: 'true', since: '1:1:', prefixes: '["t"]', asked: '["t1"]' },
  ...{ base: 'ns1|url', digests: '{}', names: '[]', forgets: 'false', maxVariants: '20', meta: '{"status":200}' },
  ...{ froms: '["ns1|a"]', tos: '["ns1|b"]', bases: '["ns1|a"]', invalidated: '["t1"]', markTags: 'true', date: '0' },
  ...{ claims: 'true', headOnly: 'false', anyTag: 'false', hitForMissMs: '1000' },
  // In these, the parameter is a key.
  ...Object.fromEntries([...LISTS, 'count', 'sweep_in_range'].map((name) => [`${name}.after`, 'ns1|'])),
  'count.limit': '100000',
}

let server: Server
let pool: pg.Pool
let client: pg.PoolClient

beforeAll(async () => {
  server = await startServer()
  pool = createPool(server.url, { max: 2 })
  await migrate(drizzle(pool))
  client = await pool.connect()
  await createEntries(client, 100_000)
  // A vacuum would read the whole file.
  await client.query('alter table cache_entries set (autovacuum_enabled = off)')
  const { rows } = await client.query(
    `select current_setting('data_directory') || '/' || pg_relation_filepath('cache_entries') as file`,
  )
  await enlarge(rows[0].file)
})
afterAll(async () => {
  client.release()
  await server.stop()
})

async function enlarge(file: string): Promise<void> {
  const { uid, gid } = await stat(file)
  for (let i = 0; i < FILES; i++) {
    const part = i === 0 ? file : `${file}.${i}`
    await (await open(part, 'a')).close()
    await chown(part, uid, gid)
    await truncate(part, FILE_BYTES)
  }
}

it('no statement with usual values reads the whole table or would be compiled by JIT, except steps of a cleanup', async () => {
  await client.query('set plan_cache_mode = force_custom_plan')
  const compiled: Operation<unknown>[] = []
  const scanning: string[] = []
  for (const [name, operation] of await allOperations()) {
    const names = await prepareStatement(client, operation.build)
    const given = names.map((each) => VALUES[`${name}.${each}`] ?? VALUES[each])
    const literals = given.map((value) => (value === undefined ? 'null' : `'${value}'`))
    const plan = await explain(client, literals)
    if (plan['Total Cost'] > JIT_ABOVE_COST) compiled.push(operation)
    const isWhole = (node: Node) => node['Node Type'] === 'Seq Scan' || node.Filter?.includes('ctid = ANY') === true
    const ofEntries = [...nodesOf(plan)].filter((node) => node['Relation Name'] === 'cache_entries')
    if (ofEntries.some(isWhole)) scanning.push(name)
  }
  expect(scanning).toEqual([])
  expect(compiled.map(({ name }) => name).sort()).toEqual(EXCEPTIONS)
  expect(compiled.filter(({ prefersRoutine }) => prefersRoutine !== true)).toEqual([])
})

it('stats() reads a bounded part of the table', async () => {
  const read = async () => {
    const { rows } = await client.query(
      `select pg_stat_force_next_flush(), heap_blks_read + heap_blks_hit as pages from pg_statio_user_tables where relname = 'cache_entries'`,
    )
    return Number(rows[0].pages)
  }
  const before = await read()
  // The timeout is long, because the machine may be busy.
  const { estimated } = await createCache(pool, { timeout: 60_000 }).stats()
  expect(estimated).toBe(true)
  await expect.poll(read, { timeout: 20_000 }).toBeGreaterThan(before)
  expect((await read()) - before).toBeLessThan(20_000)
})
