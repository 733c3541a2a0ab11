import { sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { decimal, nullable, number, snapshot, strings, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { inRange, param } from '../../postgres/operations/fragments.ts'
import { live } from '../../schema/index.ts'

/** To the microsecond, as every Postgres reads it. */
const instant = (column: PgColumn) => sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/**
 * The next live entries of a range in key order, all of each: at most `limit`, and no more than fit into `bytes`, but
 * at least one.
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
  },
  build(db, tables, answer) {
    const { entries } = tables
    const { key, value, expiresAt, keptUntil, tags, filledAt, computeMs, meta, createdAt, updatedAt } = entries
    // Postgres knows lengths without reading TOAST.
    const sized = db.$with('sized', {}).as(sql`
      select next.key, sum(next.bytes) over (order by next.key) - next.bytes as before
      from (
        select ${key} as key, octet_length(${key}) + coalesce(octet_length(${value}), 0) + coalesce(octet_length(${meta}), 0) as bytes
        from ${entries}
        where ${inRange(entries)} and ${key} > ${param('after')} and ${live(tables)}
        order by ${key}
        limit ${param('limit', 'int')}
      ) as next`)
    return answer(db.with(sized), {
      key,
      value,
      number: entries.number,
      expiresAt: instant(expiresAt),
      keptUntil: instant(keptUntil),
      tags,
      filledAt,
      computeMs,
      meta,
      createdAt: instant(createdAt),
      updatedAt: instant(updatedAt),
    })
      .from(entries)
      .where(sql`${key} = any (array(select sized.key from sized where sized.before < ${param('bytes', 'int')}))`)
      .orderBy(key)
  },
})
