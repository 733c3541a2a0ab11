import { type SQL, sql } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { type CacheTables, live } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { bool, decimal, nullable, number, strings, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { changes, changesSince } from './changes.ts'
import { isAmong } from './fragments.ts'
import { slide } from './slide.ts'

/** Returns the milliseconds until an entry expires. Null if it never does. */
export function remainingMs(expiresAt: SQL): SQL {
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
  build(db, tables, answer) {
    const { key, value, number, expiresAt, tags } = tables.entries
    return answer(db, { key, value, number, remainingMs: remainingMs(sql`${expiresAt}`), tags })
      .from(tables.entries)
      .where(allOf(isAmong(key, 'keys'), live(tables)))
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
  build(db, tables, answer) {
    const { entries } = tables
    const { key, value, number, expiresAt, tags } = entries
    const found = db.$with('found', {}).as(sql`
      select ${key}, ${value}, ${number}, ${expiresAt}, ${tags}, row_number() over () as place
      from ${entries} where ${isAmong(key, 'keys')} and ${live(tables)}`)
    return answer(db.with(found), {
      key: sql`found.key`,
      value: sql`found.value`,
      number: sql`found.number`,
      remainingMs: remainingMs(sql`found.expires_at`),
      tags: sql`found.tags`,
      changes: sql`case when coalesce(found.place, 1) = 1 then ${changesSince(tables)} end`,
    }).from(sql`(select) as one left join found on true`)
  },
})

const SLIDING = { key: nullable(text), ...COPY, touched: bool } as const

/** Builds the columns that both of the following statements select, without the changes. */
function slidingRead(db: QueryDatabase, tables: CacheTables) {
  const { entries } = tables
  const found = db.$with('found', {}).as(sql`
    select ${entries.key}, ${entries.value}, ${entries.number}, ${entries.expiresAt}, ${entries.tags}
    from ${entries} where ${isAmong(entries.key, 'keys')} and ${live(tables)}`)
  const { ctes, touched } = slide(db, tables)
  return {
    from: db.with(found, ...ctes),
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
  build(db, tables, answer) {
    const { from, columns } = slidingRead(db, tables)
    return answer(from, columns).from(FOUND_OR_NOT)
  },
})

/** The same, with the changes since the parameter `since`. */
export const readCopySlidingWithChanges = operation({
  name: 'read_copy_sliding_with_changes',
  repeatable: 'always',
  rows: 'one',
  prefersRoutine: true,
  columns: { ...SLIDING, changes },
  build(db, tables, answer) {
    const { from, columns } = slidingRead(db, tables)
    return answer(from, { ...columns, changes: changesSince(tables) }).from(FOUND_OR_NOT)
  },
})
