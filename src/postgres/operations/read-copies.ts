import { isLive } from '../../schema/conditions.ts'
import { type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { bool, decimal, nullable, number, strings, text } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { changes, changesSince } from './changes.ts'
import { isAmong } from './fragments.ts'
import { slide } from './slide.ts'

/** Returns the milliseconds until an entry expires. Null if it never does. */
export function remainingMs(expiresAt: Sql): Sql {
  return sql`extract(epoch from ${expiresAt} - statement_timestamp()) * 1000`
}

/** The columns of a copy. */
const COPY = {
  value: nullable(text),
  number: nullable(decimal),
  remainingMs: nullable(number),
  tags: nullable(strings),
} as const

/** Reads the live entries among `keys`, with the remaining time and the tags, which a copy needs. */
export const readCopies = operation({
  name: 'read_copies',
  repeatable: 'always',
  rows: 'any number',
  columns: { key: text, ...COPY },
  build(tables) {
    const { key, value, number, expiresAt, tags } = tables.entries
    return {
      select: { key, value, number, remainingMs: remainingMs(expiresAt), tags },
      from: sql`${tables.entries} where ${isAmong(key, 'keys')} and ${isLive(tables)}`,
    }
  },
})

/**
 * The same, with the changes since the parameter `since` on the first row. If no entry was found, one row has only the
 * changes.
 */
export const readCopiesWithChanges = operation({
  name: 'read_copies_with_changes',
  repeatable: 'always',
  rows: 'at least one',
  columns: { key: nullable(text), ...COPY, changes: nullable(changes) },
  build(tables) {
    const { entries } = tables
    const { key, value, number, expiresAt, tags } = entries
    const found = cte('found')`
      select ${key}, ${value}, ${number}, ${expiresAt}, ${tags}, row_number() over () as place
      from ${entries} where ${isAmong(key, 'keys')} and ${isLive(tables)}`
    return {
      with: [found],
      select: {
        key: sql`found.key`,
        value: sql`found.value`,
        number: sql`found.number`,
        remainingMs: remainingMs(sql`found.expires_at`),
        tags: sql`found.tags`,
        changes: sql`case when coalesce(found.place, 1) = 1 then ${changesSince(tables)} end`,
      },
      from: sql`(select) as one left join found on true`,
    }
  },
})

const SLIDING = { key: nullable(text), ...COPY, touched: bool } as const

/** Builds the columns that both of the following statements select, without the changes. */
function slidingRead(tables: TableNames) {
  const { entries } = tables
  const found = cte('found')`
    select ${entries.key}, ${entries.value}, ${entries.number}, ${entries.expiresAt}, ${entries.tags}
    from ${entries} where ${isAmong(entries.key, 'keys')} and ${isLive(tables)}`
  const { ctes, touched } = slide(tables)
  return {
    ctes: [found, ...ctes],
    columns: {
      key: sql`found.key`,
      value: sql`found.value`,
      number: sql`found.number`,
      remainingMs: remainingMs(sql`coalesce((select due.expires_at from due where ${touched}), found.expires_at)`),
      tags: sql`found.tags`,
      touched,
    },
  }
}

export const FOUND_OR_NOT = sql`(select) as one left join found on true`

/** The same for one key. Also moves its deadline if the move is due. */
export const readCopySliding = operation({
  name: 'read_copy_sliding',
  repeatable: 'always',
  rows: 'one',
  prefersRoutine: true,
  columns: SLIDING,
  build(tables) {
    const { ctes, columns } = slidingRead(tables)
    return { with: ctes, select: columns, from: FOUND_OR_NOT }
  },
})

/** The same, with the changes since the parameter `since`. */
export const readCopySlidingWithChanges = operation({
  name: 'read_copy_sliding_with_changes',
  repeatable: 'always',
  rows: 'one',
  prefersRoutine: true,
  columns: { ...SLIDING, changes },
  build(tables) {
    const { ctes, columns } = slidingRead(tables)
    return { with: ctes, select: { ...columns, changes: changesSince(tables) }, from: FOUND_OR_NOT }
  },
})
