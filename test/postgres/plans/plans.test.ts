/** The plan of every statement at a million entries. */
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../../src/postgres/operation.ts'
import { usualOf } from '../../../src/postgres/routines/routine-set.ts'
import { allOperations } from './operations.ts'
import { createFilled, explain, JIT_ABOVE_COST, type Node, nodesOf, prepareStatement } from './planned.ts'

/** A sort of more rows than this does not fit into memory. */
const MAX_SORTED_ROWS = 50_000
const BIG_TABLES = ['cache_entries', 'cache_leases', 'cache_invalidations']

/** Statements that violate a rule, as {@link violationsOf} prints it, and the reason for each. */
const EXCEPTIONS: Record<string, readonly string[]> = {
  // Counts up to 10,000 rows of the log.
  summarize: ['reads all of cache_invalidations'],
  summarize_in_range: ['reads all of cache_invalidations'],
  // The log has no index on the transaction id. A run scans it once, and reads one row to check whether it is empty. A
  // generic plan does not know the size of a batch, so the planner assumes a tenth of all entries. With the usual setting
  // `plan_cache_mode = auto`, Postgres does not choose this plan.
  sweep: ['is compiled', 'reads all of cache_invalidations'],
  sweep_in_range: ['is compiled', 'reads all of cache_invalidations'],
  evict: ['is compiled'],
  evict_in_range: ['is compiled'],
  count: ['is compiled'],
}

/** Statements of single keys. Most calls send these. */
const HOT = [
  'read_one',
  'has',
  'read_due',
  'write',
  'touch',
  'count_up',
  'count_call',
  'read_or_claim',
  'fill',
  'read_response',
]

/** Statements that read a range of keys, and find the rows again by their `ctid`. */
const SCOPED = new Set(['sweep_in_range', 'evict_in_range'])

/** Postgres estimates a plan from values that could occur. With nulls it would see that no row can match. */
const VALUES: Record<string, string> = {
  ...{ key: 'ns1|key', base: 'ns1|key', token: 'token', value: 'value', digests: '{}' },
  ...{ after: '60000', delta: '1', limit: '10', periodMs: '60000', leaseMs: '1000', claims: 'true', force: 'false' },
  ...{ ttlMs: '60000', lifeMs: '75000', early: '0', sliding: 'false', forCopy: 'false' },
}
/** Postgres compares a generic plan with five custom plans. */
const WARM_UP = 6

let client: pg.PoolClient
let operations: Map<string, Operation<unknown>>

beforeAll(async () => {
  operations = await allOperations()
  client = await createFilled()
}, 600_000)
afterAll(() => client.release(true))

function violationsOf(plan: Node): string[] {
  const found = new Set<string>()
  for (const node of nodesOf(plan)) {
    const table = node['Relation Name'] ?? ''
    if (node['Node Type'] === 'Seq Scan' && BIG_TABLES.includes(table)) found.add(`reads all of ${table}`)
    const input = node.Plans?.[0]?.['Plan Rows'] ?? 0
    if (node['Node Type'].includes('Sort') && input > MAX_SORTED_ROWS) found.add('sorts too many rows')
  }
  if (plan['Total Cost'] > JIT_ABOVE_COST) found.add('is compiled')
  return [...found].sort()
}

describe('at a million entries', () => {
  it('the generic plan of each operation uses an index, sorts little, and is not compiled', async () => {
    await client.query('set plan_cache_mode = force_generic_plan')
    const violations: Record<string, readonly string[]> = {}
    for (const [name, operation] of operations) {
      const found = new Set<string>()
      const known = operation as unknown as Operation<never>
      for (const each of [...usualOf(known), known.build]) {
        const names = await prepareStatement(client, each)
        const nulls = names.map(() => 'null')
        for (const violation of violationsOf(await explain(client, nulls))) found.add(violation)
      }
      if (found.size > 0) violations[name] = [...found].sort()
    }
    expect(operations.size).toBeGreaterThan(40)
    expect(violations).toEqual(EXCEPTIONS)
  })

  it('plans for stats and filtered pages of a namespace neither scan the table nor compare rows with a list', async () => {
    await client.query('set plan_cache_mode = force_custom_plan')
    const values: Record<string, string> = {
      from: 'ns1|',
      to: 'ns1}',
      after: '',
      limit: '101',
      scopeLength: '4',
      tag: 't1',
    }
    const figures = ['stats', 'stats_in_range', 'count', 'summarize_in_range', 'count_tagged_in_range']
    const pages = [...operations.keys()].filter((name) => /^(list|browse)_/.test(name))
    const violations: Record<string, string[]> = {}
    for (const name of [...figures, ...pages]) {
      const operation = operations.get(name)
      if (operation === undefined) throw new Error(`Expected an operation called ${name}.`)
      const names = await prepareStatement(client, operation.build)
      const plan = await explain(
        client,
        names.map((each) => `'${values[each]}'`),
      )
      const found = violationsOf(plan).filter((violation) => violation !== 'reads all of cache_invalidations')
      if (/"Filter": "[^"]*ctid/.test(JSON.stringify(plan))) found.push('compares each row with a list of places')
      if (found.length > 0) violations[name] = found
    }
    expect(pages.length).toBeGreaterThan(10)
    expect(violations).toEqual({})
  })

  it('statements that JIT might compile are sent as routines, which turn JIT off', () => {
    const compiled = Object.keys(EXCEPTIONS).filter((name) => EXCEPTIONS[name]?.includes('is compiled'))
    expect(compiled.filter((name) => operations.get(name)?.prefersRoutine !== true)).toEqual([])
  })

  it('finds rows by their ctid, although the statistics know no row of the scope', async () => {
    await client.query('set plan_cache_mode = force_custom_plan')
    const compared: string[] = []
    for (const [name, operation] of operations) {
      const names = await prepareStatement(client, operation.build)
      // This scope had no entry when Postgres last analyzed the table.
      const given: Record<string, string> = { from: 'new|', to: 'new}', after: 'new|', batch: '5000', scan: '20000' }
      const literals = names.map((each) => (SCOPED.has(name) && given[each] ? `'${given[each]}'` : 'null'))
      const plan = await explain(client, literals)
      for (const node of nodesOf(plan)) {
        const isBig = BIG_TABLES.includes(node['Relation Name'] ?? '')
        if (isBig && node.Filter?.includes('ctid = ANY')) compared.push(name)
      }
    }
    expect(compared).toEqual([])
  })

  it('Postgres keeps the plans of statements of single keys', async () => {
    await client.query('set plan_cache_mode = auto')
    const replanned: string[] = []
    for (const name of HOT) {
      const operation = operations.get(name)
      if (operation === undefined) throw new Error(`Expected an operation called ${name}.`)
      const names = await prepareStatement(client, operation.build)
      const literals = names.map((each) => (VALUES[each] === undefined ? 'null' : `'${VALUES[each]}'`))
      for (let i = 0; i < WARM_UP; i++) await explain(client, literals)
      const { rows } = await client.query(
        `select generic_plans::int from pg_prepared_statements where name = 'statement'`,
      )
      if (rows[0].generic_plans === 0) replanned.push(name)
    }
    expect(replanned).toEqual([])
  })
})
