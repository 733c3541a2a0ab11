/**
 * The estimates of statements that are sent inline, in a table of 64 GB. Routines turn JIT off, so their estimates do not
 * matter.
 *
 * The table's file is sparse. Postgres multiplies the density of rows at the last `analyze` by the size of the file. So
 * it plans as for 360 million small entries, for 33 million large ones, or for a table that is almost empty.
 */
import { chown, open, stat, truncate } from 'node:fs/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPool } from '../../setup/databases.ts'
import { type Server, startServer } from '../../setup/server.ts'
import { allOperations } from './operations.ts'
import { createEntries, explain, JIT_ABOVE_COST, type Node, nodesOf, prepareStatement } from './planned.ts'

/** Postgres keeps a table in files of this size. */
const FILE_BYTES = 2 ** 30
const FILES = 64

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

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

describe.each([
  { of: 'small entries', entries: 100_000, valueBytes: 60, kept: 1 },
  { of: 'the largest entries that are not TOASTed', entries: 20_000, valueBytes: 1_900, kept: 1 },
  { of: 'few entries after most were deleted', entries: 100_000, valueBytes: 60, kept: 0.01 },
])('in a table of 64 GB with $of', ({ entries, valueBytes, kept }) => {
  let pool: pg.Pool
  let client: pg.PoolClient

  beforeAll(async () => {
    pool = createPool(await createDatabaseOf(server), { max: 2 })
    await migrate(drizzle(pool))
    client = await pool.connect()
    await createEntries(client, entries, valueBytes)
    await client.query('delete from cache_entries where random() >= $1', [kept])
    await client.query('vacuum (analyze, truncate off) cache_entries')
    // A vacuum would read the whole file.
    await client.query('alter table cache_entries set (autovacuum_enabled = off)')
    const { rows } = await client.query(
      `select current_setting('data_directory') || '/' || pg_relation_filepath('cache_entries') as file`,
    )
    await enlarge(rows[0].file)
  })
  afterAll(() => client.release())

  it('no statement reads the whole table or would be compiled by JIT', async () => {
    await client.query('set plan_cache_mode = force_custom_plan')
    const compiled: Record<string, number> = {}
    const scanning: string[] = []
    for (const [name, operation] of await allOperations()) {
      const names = await prepareStatement(client, operation.build)
      const given = names.map((each) => VALUES[`${name}.${each}`] ?? VALUES[each])
      const literals = given.map((value) => (value === undefined ? 'null' : `'${value}'`))
      const plan = await explain(client, literals)
      if (plan['Total Cost'] > JIT_ABOVE_COST) compiled[name] = plan['Total Cost']
      const isWhole = (node: Node) => node['Node Type'] === 'Seq Scan' || node.Filter?.includes('ctid = ANY') === true
      const ofEntries = [...nodesOf(plan)].filter((node) => node['Relation Name'] === 'cache_entries')
      if (ofEntries.some(isWhole)) scanning.push(name)
    }
    expect(scanning).toEqual([])
    expect(compiled).toEqual({})
  })

  it('stats() reads a bounded part of the table', async () => {
    const read = async () => {
      const { rows } = await client.query(
        `select pg_stat_force_next_flush(), heap_blks_read + heap_blks_hit as pages from pg_statio_user_tables where relname = 'cache_entries'`,
      )
      return Number(rows[0].pages)
    }
    // The first call adds what this session has read so far.
    await read()
    const before = await read()
    // The timeout is long, because the machine may be busy.
    const { estimated } = await createCache(client, { timeout: 60_000 }).stats()
    expect(estimated).toBe(true)
    await read()
    const pages = (await read()) - before
    expect(pages).toBeGreaterThan(0)
    expect(pages).toBeLessThan(20_000)
  })
})

async function createDatabaseOf({ url }: Server): Promise<string> {
  const name = `huge_${crypto.randomUUID().slice(0, 8)}`
  await createPool(url, { max: 1 }).query(`create database ${name}`)
  return Object.assign(new URL(url), { pathname: name }).href
}

async function enlarge(file: string): Promise<void> {
  const { uid, gid } = await stat(file)
  for (let i = 0; i < FILES; i++) {
    const part = i === 0 ? file : `${file}.${i}`
    await (await open(part, 'a')).close()
    await chown(part, uid, gid)
    await truncate(part, FILE_BYTES)
  }
}
