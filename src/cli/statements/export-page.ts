import { bool, decimal, nullable, number, snapshot, strings, text } from '../../postgres/kinds.ts'
import { cte, operation } from '../../postgres/operation.ts'
import { param } from '../../postgres/operations/fragments.ts'
import { pageOf } from '../../postgres/operations/looked-at.ts'
import { isLive } from '../../schema/conditions.ts'
import { type Sql, sql } from '../../schema/sql.ts'

/** Formats an instant to the microsecond, in a form that every Postgres reads. */
const instant = (column: Sql) => sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/**
 * Returns the next live entries of a range in key order, with all columns. It returns at most `limit` entries, and no
 * more than fit into `bytes`, but at least one. If few entries are live, it stops at the edge of a page and returns the
 * entry there without its value.
 */
export const exportPage = operation({
  name: 'export_page',
  repeatable: 'always',
  rows: 'any number',
  columns: {
    key: text,
    value: nullable(text),
    number: nullable(decimal),
    expiresAt: nullable(text),
    keptUntil: nullable(text),
    tags: nullable(strings),
    filledAt: nullable(snapshot),
    computeMs: nullable(number),
    meta: nullable(text),
    createdAt: text,
    updatedAt: text,
    isFound: bool,
    isEdge: bool,
  },
  build(tables) {
    const { entries } = tables
    const { key, value, expiresAt, keptUntil, tags, filledAt, computeMs, meta, createdAt, updatedAt } = entries
    const { from, where, orderBy, marks } = pageOf(tables, isLive(tables))
    // Postgres reads the length of a value without reading TOAST.
    const sized = cte('sized')`
      select next.*, sum(next.bytes) over (order by next.name) - next.bytes as before
      from (
        select ${key} as name, ${marks.isFound} as found, ${marks.isEdge} as edge,
          octet_length(${key}) + coalesce(octet_length(${value}), 0) + coalesce(octet_length(${meta}), 0) as bytes
        from ${from}
        where ${where}
        order by ${orderBy}
        limit ${param('limit', 'int')}
      ) as next`
    return {
      with: [sized],
      select: {
        key,
        value: sql`case when sized.found then ${value} end`,
        number: entries.number,
        expiresAt: instant(expiresAt),
        keptUntil: instant(keptUntil),
        tags,
        filledAt,
        computeMs,
        meta: sql`case when sized.found then ${meta} end`,
        createdAt: instant(createdAt),
        updatedAt: instant(updatedAt),
        isFound: sql`sized.found`,
        isEdge: sql`sized.edge`,
      },
      from: sql`sized join ${entries} on ${key} = sized.name collate "C" where sized.before < ${param('bytes', 'int')} order by sized.name`,
    }
  },
})
