import { isLive } from '../../schema/conditions.ts'
import { raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { bool, instant, integer, json, type Kind, number } from '../kinds.ts'
import { cte } from '../operation.ts'
import { param, storedBytes } from './fragments.ts'
import { scopedOperation } from './scoped.ts'
import { type SomeEntries, someEntries } from './some-entries.ts'

/** The most rows of the log that are counted. Beyond that, an exact number tells nothing more. */
export const MAX_LOG_ROWS = 10_000
const MAX_NAMESPACES = 10
const MAX_FILLS = 8

/** Seconds to the deadline at which the columns of the timeline begin, except the first column. */
export const EXPIRY_STEPS_S = [60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000] as const
/** Bytes at which the columns of the size distribution begin, except the first column. */
export const SIZE_STEPS = [64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576] as const
/** Two more columns of the timeline, besides its numbered steps. */
export const EXPIRED = -1
export const NEVER_EXPIRES = -2

const isNumber = (value: unknown): value is number => typeof value === 'number'
const isName = (value: unknown): value is string | null => value === null || typeof value === 'string'

/** A kind of column: JSON rows whose fields pass these tests. */
function listOf<Row>(tests: { readonly [Name in keyof Row]: (value: unknown) => value is Row[Name] }): Kind<Row[]> {
  const fields = Object.entries<(value: unknown) => boolean>(tests)
  return json(
    (value): value is Row[] =>
      Array.isArray(value) && value.every((row) => fields.every(([name, test]) => test(Object(row)[name]))),
  )
}

const namespaceRows = listOf<{ name: string | null; entries: number; bytes: number }>({
  name: isName,
  entries: isNumber,
  bytes: isNumber,
})
const expiryRows = listOf<{ step: number; entries: number }>({ step: isNumber, entries: isNumber })
const sizeRows = listOf<{ size: number; entries: number }>({ size: isNumber, entries: isNumber })
const slowestRows = listOf<{ key: string; computeMs: number }>({
  key: (value): value is string => typeof value === 'string',
  computeMs: isNumber,
})

/**
 * Computes all figures of the admin's overview. If there are many entries, it counts only some of them, and each of
 * these stands for `factor` entries. It reads no TOASTed value.
 */
export const summarize = scopedOperation({
  name: 'summarize',
  repeatable: 'always',
  rows: 'one',
  prefersRoutine: true,
  columns: {
    factor: number,
    isEstimate: bool,
    total: integer,
    live: integer,
    forever: integer,
    bytes: integer,
    namespaces: namespaceRows,
    expiry: expiryRows,
    sizes: sizeRows,
    slowest: slowestRows,
    logRows: integer,
    now: instant,
  },
  build(tables, range) {
    const some = someEntries(tables, range)
    const sample = cte('sample')`${sampleOf(tables, some)}`
    return {
      with: [...some.ctes, sample],
      select: {
        factor: some.factor(sql`(select count(*)::float8 from sample)`),
        isEstimate: some.isEstimate,
        total: sql`count(*)`,
        live: sql`count(*) filter (where sample.live)`,
        forever: sql`count(*) filter (where sample.step = ${NEVER_EXPIRES})`,
        bytes: sql`coalesce(sum(sample.bytes), 0)`,
        namespaces: list(sql`
        select sample.name, count(*) as entries, sum(sample.bytes) as bytes
        from sample group by sample.name order by bytes desc limit ${MAX_NAMESPACES}`),
        expiry: list(sql`select sample.step, count(*) as entries from sample group by sample.step`),
        sizes: list(sql`select sample.size, count(*) as entries from sample group by sample.size`),
        slowest: list(sql`
        select sample.key, sample.compute_ms::numeric as "computeMs" from sample
        where sample.compute_ms is not null order by sample.compute_ms desc limit ${MAX_FILLS}`),
        logRows: sql`(
        select count(*) from (select from ${tables.invalidations} limit ${MAX_LOG_ROWS}) as log)`,
        now: sql`statement_timestamp()`,
      },
      from: sql`sample`,
    }
  },
})

function sampleOf(tables: TableNames, { rows }: SomeEntries): Sql {
  const { entries } = tables
  const untilDeadline = sql`extract(epoch from entry.expires_at - statement_timestamp())::float8`
  const columns = sql`${entries.key}, ${firstName(entries.key)} as name, (${storedBytes(tables)})::int as bytes,
    ${isLive(tables)} as live, ${entries.expiresAt}, ${entries.computeMs}`
  return sql`
    select entry.*, width_bucket(entry.bytes, array[${raw(SIZE_STEPS.join(', '))}]::int[]) as size,
      case
        when not entry.live then ${EXPIRED}
        when entry.expires_at is null then ${NEVER_EXPIRES}
        else width_bucket(${untilDeadline}, array[${raw(EXPIRY_STEPS_S.join(', '))}]::float8[])
      end as step
    from (${rows(columns)}) as entry`
}

/**
 * Returns the first name of a key's path below the scope, in its stored form; null if the key belongs to the scope
 * itself.
 */
function firstName(key: Sql): Sql {
  const pattern = raw(String.raw`e'^((?:\\\\.|[^|\\\\])*)\\|'`)
  return sql`substring(substr(${key}, ${param('scopeLength', 'int')} + 1) from ${pattern})`
}

/** Converts rows to a JSON list. */
function list(rows: Sql): Sql {
  return sql`(select coalesce(json_agg(row_to_json(item)), '[]') from (${rows}) as item)`
}
