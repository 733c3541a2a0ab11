import { isLive } from '../../schema/conditions.ts'
import { type Sql, sql } from '../../schema/sql.ts'
import { bool, decimal, instant, nullable, number } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param } from './fragments.ts'

/** The columns of the statements that `limit` sends. */
export const COUNTER_COLUMNS = {
  number: nullable(decimal),
  expiresAt: instant,
  /** Milliseconds until then; null if the counter is permanent. */
  leftMs: nullable(number),
  /** Whether the call was allowed. */
  allowed: nullable(bool),
} as const

/**
 * Returns a counter's columns. They use the clock after the wait for the row's lock, because the window may have begun
 * during that wait.
 */
export function counterColumns({ number, expiresAt }: { number: Sql; expiresAt: Sql }, allowed: Sql) {
  return { number, expiresAt, leftMs: sql`extract(epoch from ${expiresAt} - clock_timestamp()) * 1000`, allowed }
}

/**
 * Reads a counter without counting. `allowed` is null if the entry is not a counter. `number` is null if nothing is
 * counted.
 */
export const readCounter = operation({
  name: 'read_counter',
  repeatable: 'always',
  rows: 'one',
  columns: COUNTER_COLUMNS,
  build(tables) {
    const { entries } = tables
    return {
      select: {
        ...counterColumns(entries, sql`case when ${entries.value} is null then true end`),
        expiresAt: sql`coalesce(${entries.expiresAt}, clock_timestamp())`,
      },
      from: sql`(select) as one left join ${entries} on ${entries.key} = ${param('key')} and ${isLive(tables)}`,
    }
  },
})
