import { isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'
import { oidOf } from '../../schema/table-names.ts'
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
  build(tables) {
    const { key, value, number, expiresAt } = tables.entries
    const mayWrite = sql`not current_setting('transaction_read_only')::boolean
      and has_table_privilege(${oidOf(tables.entries)}, 'update')`
    const isDue = sql`coalesce(${expiresAt} < ${slidesBefore(tables)}, false) and ${mayWrite}`
    return {
      select: { value, number, isDue },
      from: sql`${tables.entries} where ${key} = ${param('key')} and ${isLive(tables)}`,
    }
  },
})
