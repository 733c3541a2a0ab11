/** A database with a million entries, and the plans that Postgres chooses there. */
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { migrate } from 'pgstash/migrate'
import { defaultTables } from 'pgstash/schema'
import { type Operation, statementSql } from '../../../src/postgres/operation.ts'
import { numberParameters } from '../../../src/schema/sql.ts'
import { namesOf } from '../../../src/schema/table-names.ts'
import { createDatabase, createPool } from '../../setup/databases.ts'

/** A node of `explain (format json)`. */
export interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Filter?: string
  readonly 'Plan Rows': number
  readonly 'Total Cost': number
  readonly Plans?: readonly Node[]
}

/**
 * Postgres compiles a statement whose estimated cost is above this (`jit_above_cost`). Compiling takes longer than the
 * statement.
 */
export const JIT_ABOVE_COST = 100_000

/** Creates entries, of which a third is tagged; 10,000 leases; a log of 100,000 rows with 50 tags. */
const fill = (entries: number, valueBytes: number) => `
  insert into cache_entries (key, value, expires_at, kept_until, cleanup_slot, tags, filled_at, written_by)
  select 'ns' || i % 100 || '|' || md5(i::text), repeat('x', ${valueBytes}), given.at, given.at, floor(extract(epoch from (given.at - timestamptz '2000-01-01 00:00:00+00')) / 600)::int,
    case when i % 3 = 0 then array['t' || i % 50, 'u' || i % 50] end,
    case when i % 3 = 0 then pg_current_snapshot() end, pg_current_xact_id()
  from generate_series(1, ${entries}) as i, lateral (
    select case when i % 10 > 0 then now() + (i % 3600 - 360) * interval '1 second' end as at) as given;
  insert into cache_leases (key, token, expires_at, cleanup_slot)
  select md5(i::text), case when i % 10 = 0 then 'token' end, now(), floor(extract(epoch from (now() - timestamptz '2000-01-01 00:00:00+00')) / 600)::int
  from generate_series(1, 10000) as i;
  insert into cache_invalidations (tag, xid)
  select 't' || i % 50, (3 + i / 50)::text::xid8 from generate_series(0, 99999) as i;`

export async function createFilled(): Promise<pg.PoolClient> {
  const pool = createPool(await createDatabase(), { max: 1 })
  await migrate(drizzle(pool))
  const client = await pool.connect()
  await createEntries(client, 1_000_000)
  return client
}

export async function createEntries(client: pg.PoolClient, count: number, valueBytes = 60): Promise<void> {
  await client.query(fill(count, valueBytes))
  await client.query('vacuum analyze')
}

/** Prepares a statement as the cache sends it, and returns the names of its parameters in order. */
export async function prepareStatement(
  client: pg.PoolClient,
  build: Operation<unknown>['build'],
): Promise<readonly string[]> {
  const { text, names } = numberParameters(statementSql(build(namesOf(defaultTables))))
  await client.query(`deallocate all`)
  await client.query(`prepare statement as ${text}`)
  return names
}

/** Explains the prepared statement with literals for its parameters. */
export async function explain(client: pg.PoolClient, literals: readonly string[]): Promise<Node> {
  const given = literals.length === 0 ? '' : `(${literals.join(', ')})`
  const { rows } = await client.query(`explain (format json) execute statement${given}`)
  return rows[0]['QUERY PLAN'][0].Plan
}

export function* nodesOf(node: Node): Generator<Node> {
  yield node
  for (const child of node.Plans ?? []) yield* nodesOf(child)
}
