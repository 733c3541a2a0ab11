import { eq, sql } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { live } from '../../schema/index.ts'
import { qualified } from '../../schema/sql-text.ts'
import { bool, decimal, nullable, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param } from './fragments.ts'
import { slidesBefore } from './slide.ts'

/**
 * Reads the live entry of one key, and whether a sliding read in this session would move its deadline. Writes nothing.
 */
export const readDue = operation({
  name: 'read_due',
  repeatable: 'always',
  rows: 'at most one',
  columns: { value: nullable(text), number: nullable(decimal), isDue: bool },
  build(db, tables, answer) {
    const { key, value, number, expiresAt } = tables.entries
    const mayWrite = sql`not current_setting('transaction_read_only')::boolean
      and has_table_privilege(to_regclass(${qualified(tables, tables.entries)}::text), 'update')`
    const isDue = sql`coalesce(${expiresAt} < ${slidesBefore(tables)}, false) and ${mayWrite}`
    return answer(db, { value, number, isDue })
      .from(tables.entries)
      .where(allOf(eq(key, param('key')), live(tables)))
  },
})
