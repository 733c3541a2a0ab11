/**
 * How many rows a statement reads if the statistics do not fit. Statements that read the first rows of an index must stop
 * there. A plan that reads and sorts the whole range does so again for each page and each batch.
 */
import { setTimeout } from 'node:timers/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { migrate } from 'pgstash/migrate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countPrefix, MAX_COUNTED } from '../../../src/admin/statements/count-prefix.ts'
import { exportPage } from '../../../src/cli/statements/export-page.ts'
import type { Operation } from '../../../src/postgres/operation.ts'
import { sweep } from '../../../src/postgres/operations/sweep.ts'
import { createDatabase, createPool } from '../../setup/databases.ts'
import { allOperations } from './operations.ts'
import { type Node, nodesOf, prepareStatement } from './planned.ts'

const ENTRIES = 40_000
const BATCH = 1_000
const SCAN = 4_000
/** Entries that a page looks at. No statement may read more, except those below. */
const PAGE = 5_000

/** Values of the parameters. Those that are not here are null. */
const VALUES: Record<string, string> = {
  ...{ from: 'new|', to: 'new}', after: 'new|', scopeLength: '4', tag: 'tag', bytes: '1000000' },
  ...{ froms: '["new|"]', tos: '["new}"]', bases: '["new|a"]' },
  ...{ batch: String(BATCH), scan: String(SCAN), rows: String(BATCH), begin: 'true', trims: 'true' },
  'count.limit': String(PAGE),
  'export_page.limit': '101',
  limit: '101',
}

/** The most entries or leases that one step of a statement may read, if it is not {@link PAGE}. */
const MOST: Record<string, number> = {
  // These find up to 50,001 keys in the index, and check 10,000 entries.
  stats_in_range: 50_001,
  summarize_in_range: 50_001,
  count_tagged_in_range: 50_001,
  count_prefix: MAX_COUNTED,
  // These delete all entries of the range.
  purge_hard: ENTRIES,
  purge_soft: ENTRIES,
}
const WALKS =
  /^(list|browse|count$|sweep|clear|evict_in_range|stats_in|summarize_in|count_tagged_in|export_page|count_prefix|purge)/

/** Entries of which every second one has expired, and as many leases. */
const fill = (namespace: string, isPermanent = false) => `
  insert into cache_entries (key, number, expires_at, kept_until, cleanup_slot, written_by)
  select '${namespace}|' || md5(i::text), i, at, at, ${slot('at')}, pg_current_xact_id()
  from generate_series(1, ${ENTRIES}) as i, lateral (
    select case when ${!isPermanent} then now() + case when i % 2 = 0 then -1 else 1 end * i * interval '1 second' end as at
  ) as given;
  insert into cache_leases (key, token, expires_at, cleanup_slot)
  select 'leases of ${namespace}|' || i, null, at, ${slot('at')}
  from generate_series(1, ${ENTRIES}) as i, lateral (select now() - interval '1 hour' - i * interval '1 second' as at) as given;`
const slot = (instant: string) =>
  `floor(extract(epoch from (${instant} - timestamptz '2000-01-01 00:00:00+00')) / 600)::int`

describe.each([
  { statistics: 'do not exist', queries: [fill('old'), fill('new')] },
  {
    statistics: 'know only permanent entries of other namespaces',
    queries: [fill('old', true), 'analyze', fill('new')],
  },
  { statistics: 'know all entries', queries: [fill('old'), fill('new'), 'analyze'] },
])('if the statistics $statistics', ({ queries }) => {
  let client: pg.PoolClient

  beforeAll(async () => {
    client = await createClient()
    for (const query of queries) await client.query(query)
  })
  afterAll(() => client.release())

  it.each(['custom', 'generic'])('no statement with a %s plan reads more than its limit', async (kind) => {
    await client.query(`set plan_cache_mode = force_${kind}_plan`)
    const operations = [...(await allOperations()).values(), countPrefix, exportPage] as Operation<unknown>[]
    const walks = operations.filter(({ name }) => WALKS.test(name))
    expect(walks.length).toBeGreaterThan(20)
    const found: Record<string, number> = {}
    for (const operation of walks) {
      const read = await mostRowsRead(client, operation)
      expect([operation.name, read > 0]).toEqual([operation.name, true])
      if (read > (MOST[operation.name] ?? PAGE)) found[operation.name] = read
    }
    expect(found).toEqual({})
  })
})

describe('the slots after those that a sweep removes', () => {
  it.each(['custom', 'generic'])(
    'are not read with a %s plan',
    async (kind) => {
      const client = await createClient()
      const at = (instant: string, count: number) => `
      insert into cache_entries (key, number, expires_at, kept_until, cleanup_slot, written_by)
      select 'new|' || md5(random()::text), i, ${instant}, ${instant}, ${slot(instant)}, pg_current_xact_id() from generate_series(1, ${count}) as i;
      insert into cache_leases (key, expires_at, cleanup_slot)
      select 'new|' || md5(random()::text), ${instant}, ${slot(instant)} from generate_series(1, ${count}) as i;`
      // A slot takes ten minutes. Do not begin just before its end.
      const slotLeftMs = 600_000 - (Date.now() % 600_000)
      if (slotLeftMs < 60_000) await setTimeout(slotLeftMs)
      // Leases stay for ten minutes. So the entries of the next slot are too young, and so are the leases of this one.
      await client.query(at(`now() - interval '1 hour'`, 100))
      await client.query(at(`now() - interval '10 minutes'`, ENTRIES))
      await client.query(
        `update cache_entries set cleanup_slot = cleanup_slot + 2 where expires_at > now() - interval '30 minutes'`,
      )
      await client.query(`set plan_cache_mode = force_${kind}_plan`)
      expect(await mostRowsRead(client, sweep.everything)).toBe(100)
      client.release()
    },
    180_000,
  )
})

async function createClient(): Promise<pg.PoolClient> {
  const pool = createPool(await createDatabase(), { max: 1 })
  await migrate(drizzle(pool))
  const client = await pool.connect()
  for (const table of ['cache_entries', 'cache_leases'])
    await client.query(`alter table ${table} set (autovacuum_enabled = off)`)
  return client
}

/** Runs a statement in a transaction that is rolled back. Returns the rows that its largest step read. */
async function mostRowsRead(client: pg.PoolClient, { name, build }: Operation<unknown>): Promise<number> {
  const names = await prepareStatement(client, build)
  const given = names.map((each) => VALUES[`${name}.${each}`] ?? VALUES[each])
  const literals = given.map((value) => (value === undefined ? 'null' : `'${value}'`))
  await client.query('begin')
  const { rows } = await client.query(`explain (analyze, format json) execute statement(${literals})`)
  await client.query('rollback')
  return Math.max(...[...nodesOf(rows[0]['QUERY PLAN'][0].Plan)].map(rowsRead))
}

interface RunNode extends Node {
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
}

function rowsRead(node: Node): number {
  const { 'Actual Rows': rows, 'Actual Loops': loops, 'Rows Removed by Filter': removed = 0 } = node as RunNode
  return /^cache_(entries|leases)$/.test(node['Relation Name'] ?? '') ? (rows + removed) * loops : 0
}
