/**
 * The inline statement of an operation and its routine give the same answer, and leave the same rows.
 *
 * Both run in one transaction, from the same state and at the same instant: functions on the search path stop the
 * clock. The transaction ids in the state are older than the server's, as if other transactions had committed it.
 */

import { type SQL, sql, TransactionRollbackError } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import fc from 'fast-check'
import { migrate } from 'pgstash/migrate'
import { defaultTables } from 'pgstash/schema'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../../src/postgres/operation.ts'
import { ROUTINE_PARAMETERS } from '../../../src/postgres/routines/generated.ts'
import { routineCall } from '../../../src/postgres/routines/routine-call.ts'
import { operationsWithRoutine, usualOf } from '../../../src/postgres/routines/routine-set.ts'
import { createRunner, type Runner } from '../../../src/postgres/runner.ts'
import { namesOf } from '../../../src/schema/table-names.ts'
import { DatabaseError } from '../../../src/values/errors.ts'
import { createLonelyDatabase, createPool } from '../../setup/databases.ts'
import { VALUES } from './values.ts'

const SEED = Number(process.env.FUZZ_SEED ?? 20_261_129)
const RUNS = Number(process.env.FUZZ_RUNS ?? 40)

let db: NodePgDatabase

beforeAll(async () => {
  db = drizzle(createPool(await createLonelyDatabase(), { max: 1 }))
  await migrate(db)
  await db.execute(sql`create schema frozen`)
  await db.execute(
    sql`create function frozen.statement_timestamp() returns timestamptz stable language sql as 'select now()'`,
  )
  await db.execute(
    sql`create function frozen.clock_timestamp() returns timestamptz volatile language sql as 'select now()'`,
  )
})

interface Entry {
  readonly value: string | null
  readonly number: string | null
  /** Relative to now; null means never. */
  readonly expiresIn: number | null
  readonly staleFor: number | null
  readonly tags: readonly string[] | null
  readonly filledAt: string
  readonly computeMs: number | null
  readonly age: number
  readonly meta: string | null
  readonly writtenBy: string | null
}

const BODY = 'a body with ünïcode'
const span = fc.constantFrom(-3_600_000, -1_000, 500, 30_000, 70_000, 3_600_000)
const meta = fc
  .record({
    status: fc.constantFrom(200, 404),
    tag: fc.constantFrom('"a"', '"b"'),
    date: fc.constantFrom(0, 5),
    modifiedAt: fc.constantFrom(1, 10),
    bytes: fc.constant(BODY.length),
    base64: fc.option(fc.constant(true), { nil: undefined }),
    sliding: fc.option(fc.constant(true), { nil: undefined }),
    bodyId: fc.option(fc.constant('id'), { nil: undefined, freq: 4 }),
  })
  .map((fields) => JSON.stringify(fields))
const entry: fc.Arbitrary<Entry> = fc.record({
  value: fc.option(fc.constantFrom('"text"', BODY), { freq: 3 }),
  number: fc.option(fc.constantFrom('1', '-2.5', '9007199254740991')),
  expiresIn: fc.option(span),
  staleFor: fc.option(fc.constantFrom(0, 60_000, 7_200_000)),
  tags: fc.option(fc.constantFrom([], ['x'], ['x', 'y'])),
  filledAt: fc.constantFrom('100:100:', '300:300:', '100:400:200', '9000000:9000000:'),
  computeMs: fc.option(fc.constantFrom(1, 50_000)),
  age: fc.constantFrom(0, 10_000, 7_200_000),
  meta: fc.option(fc.oneof(meta, fc.constant('{"vary":["accept"]}')), { freq: 2 }),
  writtenBy: fc.option(fc.constantFrom('100', '250'), { freq: 8 }),
})
const lease = fc.record({
  token: fc.option(fc.constantFrom('mine', 'theirs', 'pass'), { freq: 3 }),
  expiresIn: span,
  xid: fc.constantFrom('100', '250'),
  seen: fc.option(fc.constantFrom('100', '250')),
})
const state = fc.record({
  entries: fc.record({ k: fc.option(entry, { freq: 9 }), other: fc.option(entry) }),
  leases: fc.record({ k: fc.option(lease, { freq: 1 }), missing: fc.option(lease, { freq: 1 }) }),
  invalidations: fc.uniqueArray(fc.tuple(fc.constantFrom('x', 'y'), fc.constantFrom('150', '200', '350')), {
    maxLength: 3,
    selector: (pair) => pair.join(),
  }),
  horizon: fc.option(fc.constantFrom('200 300:300:', '50 60:60:'), { freq: 1 }),
  isChanged: fc.boolean(),
})
type State = typeof state extends fc.Arbitrary<infer T> ? T : never

const instant = (ms: number | null): SQL =>
  ms === null ? sql`null::timestamptz` : sql`now() + ${String(ms)}::float8 * interval '1 millisecond'`

async function establish(tx: Pick<NodePgDatabase, 'execute'>, given: State): Promise<void> {
  for (const [key, one] of Object.entries(given.entries)) {
    if (one === null) continue
    const keptIn = one.expiresIn === null || one.staleFor === null ? null : one.expiresIn + one.staleFor
    const tags = one.tags && `{${one.tags.join()}}`
    await tx.execute(sql`
      insert into cache_entries (key, value, number, expires_at, kept_until, tags, filled_at, compute_ms, created_at, updated_at, meta, written_by)
      values (${key}, ${one.value}, ${one.value === null ? one.number : null}, ${instant(one.expiresIn)}, ${instant(keptIn)}, ${tags}::text[],
        ${one.tags && one.filledAt}::text::pg_snapshot, ${one.computeMs}, ${instant(-one.age)}, ${instant(-one.age)}, ${one.meta}, ${one.writtenBy}::text::xid8)`)
  }
  for (const [key, one] of Object.entries(given.leases)) {
    if (one === null) continue
    await tx.execute(sql`insert into cache_leases (key, token, claimed_at, xid, expires_at, seen)
      values (${key}, ${one.token}, '300:300:', ${one.xid}::text::xid8, ${instant(one.expiresIn)}, ${one.seen}::text::xid8)`)
  }
  for (const [tag, xid] of given.invalidations) {
    await tx.execute(sql`insert into cache_invalidations (tag, xid) values (${tag}, ${xid}::text::xid8)`)
  }
  if (given.horizon !== null) {
    await tx.execute(sql`insert into cache_state (name, value) values ('tag horizon', ${given.horizon})`)
  }
  if (given.isChanged) {
    await tx.execute(sql`insert into cache_changes (xid, kind, name) values ('200', 'key', 'k'), ('200', 'tag', 'x')`)
  }
}

const DUMP = sql`select json_build_array(
  (select json_agg(e order by e.key) from cache_entries as e),
  (select json_agg(l order by l.key) from cache_leases as l),
  (select json_agg(i order by i.tag, i.xid) from cache_invalidations as i),
  (select json_agg(s order by s.name) from cache_state as s where s.name like 'tag %'),
  (select json_agg(c order by c.xid, c.kind) from cache_changes as c),
  pg_current_xact_id()::text)::text as dump`

/** The answer or the error, and the rows that remain. */
async function outcome(tx: NodePgDatabase, runner: Runner, operation: Operation<never>, values: object) {
  await tx.execute(sql`savepoint before`)
  let answer: unknown
  try {
    const rows: Record<string, unknown>[] = await runner.run(operation, { ...values })
    // This value comes from a clock that does not stand still.
    answer = rows.map((row) => JSON.stringify('resetMs' in row ? { ...row, resetMs: null } : row)).sort()
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    answer = error.sqlState
    await tx.execute(sql`rollback to savepoint before`)
  }
  const { rows } = await tx.execute<{ dump: string }>(DUMP)
  await tx.execute(sql`rollback to savepoint before`)
  const own = JSON.parse(rows[0]?.dump ?? '[]').at(-1)
  // A snapshot taken by this transaction. Its end depends on the subtransactions that were rolled back.
  const taken = new RegExp(`${own}:\\d+:[\\d,]*`, 'g')
  const dump = operation.name === 'count_call' ? withoutRefusals(rows[0]?.dump) : rows[0]?.dump
  return JSON.stringify({ answer, dump }).replaceAll(taken, 'current')
}

/**
 * If the inline statement refuses, it leaves a mark in `compute_ms`, which no other statement reads. The routine writes
 * nothing.
 */
function withoutRefusals(dump: string | undefined): string | undefined {
  return dump?.replaceAll(/"compute_ms":[^,]+/g, '"compute_ms":"masked"')
}

/** The outcome of these operations, each from the same state and at the same instant. */
async function outcomes(given: State, values: object, operations: readonly Operation<never>[]): Promise<string[]> {
  const seen: string[] = []
  await db
    .transaction(async (tx) => {
      await tx.execute(sql`set local search_path = frozen, pg_catalog, public`)
      await establish(tx, given)
      const runner = createRunner(tx, { tables: namesOf(defaultTables), timeoutMs: 60_000, preparedNames: true })
      for (const operation of operations) seen.push(await outcome(tx, runner, operation, values))
      tx.rollback()
    })
    .catch((error: unknown) => {
      if (!(error instanceof TransactionRollbackError)) throw error
    })
  return seen
}

/** Returns both outcomes, so that a test can check that something happened at all. */
async function compare(operation: Operation<never>, given: State, values: object): Promise<string> {
  const call = routineCall(operation)
  if (call === undefined) throw new TypeError('Expected a routine.')
  const both = [operation, call]
  // A cleanup that was rolled back still affects which rows the next one of the transaction finds. It affects no
  // instants.
  const seen =
    operation.name === 'sweep'
      ? (await Promise.all(both.map((one) => outcomes(given, values, [one])))).flat().map(withoutIds)
      : await outcomes(given, values, both)
  expect(seen[1]).toEqual(seen[0])
  return seen[0] ?? ''
}

function withoutIds(text: string): string {
  return text.replaceAll(/\\"\d{4}-\d\d-\d\dT[^"]*"|\\"\d{4,}\\+"/g, 'masked')
}

/** A sliding copy is read by a statement of its own. */
const ONE_KEY = [['k'], ['other'], ['missing']]

function valuesFor(name: string): fc.Arbitrary<Record<string, unknown>> {
  const names = (ROUTINE_PARAMETERS[name] ?? '').split(' ').filter(Boolean)
  const choices = (each: string) => (name.startsWith('read_copy_') && each === 'keys' ? ONE_KEY : (VALUES[each] ?? []))
  return fc.record(Object.fromEntries(names.map((each) => [each, fc.constantFrom(...choices(each))])))
}

describe('an inline statement and its routine have the same outcome', () => {
  const all = operationsWithRoutine.map((operation) => [operation.name, operation] as const)
  it.each(all)('%s', { timeout: 300_000 }, async (name, operation) => {
    // Only operations with statements for usual cases can differ.
    const numRuns = usualOf(operation).length > 0 ? RUNS * 4 : Math.ceil(RUNS / 4)
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(state, valuesFor(name), async (given, values) => {
        seen.add(await compare(operation, given, values))
      }),
      { seed: SEED, numRuns },
    )
    expect(seen.size).toBeGreaterThan(5)
  })
})
