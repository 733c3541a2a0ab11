/** The figures of `stats` and `count`. */
import { isLive } from '../../schema/conditions.ts'
import { raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { integer } from '../kinds.ts'
import { storedBytes } from './fragments.ts'

/** The columns of an answer. */
export const FIGURES = {
  total: integer,
  expired: integer,
  unexpired: integer,
  forever: integer,
  bytes: integer,
} as const

/** Returns the columns that {@link sumsOf} needs of each entry. They read no TOASTed value. */
export function summedColumns(tables: TableNames): Sql {
  const { expiresAt } = tables.entries
  return sql`${isLive(tables)} as live, ${expiresAt} is null as permanent, ${storedBytes(tables)} as bytes`
}

/**
 * Counts entries by state, and adds up their bytes.
 *
 * @param rows a query that ends in `offset 0`. Otherwise the planner copies the check of the tags into each count.
 */
export function sumsOf(rows: Sql): Sql {
  return sql`
    select (count(*) filter (where not entry.live))::float8 as expired,
      (count(*) filter (where entry.live and not entry.permanent))::float8 as unexpired,
      (count(*) filter (where entry.live and entry.permanent))::float8 as forever,
      coalesce(sum(entry.bytes), 0)::float8 as bytes
    from (${rows}) as entry`
}

/**
 * Returns the figures of a row of sums, each multiplied by a factor.
 *
 * It rounds the sums, not the figures, so that the figures are whole numbers and add up.
 */
export function figuresOf(sums: string, factor: Sql): Record<keyof typeof FIGURES, Sql> {
  const scaled = (...columns: string[]) =>
    sql`round((${raw(columns.map((column) => `${sums}.${column}`).join(' + '))}) * ${factor})`
  const total = scaled('expired', 'unexpired', 'forever')
  const withDeadline = scaled('expired', 'unexpired')
  const expired = scaled('expired')
  return {
    total,
    expired,
    unexpired: sql`${withDeadline} - ${expired}`,
    forever: sql`${total} - ${withDeadline}`,
    bytes: scaled('bytes'),
  }
}
