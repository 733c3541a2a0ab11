import { sql } from 'drizzle-orm'
import { text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { param } from '../../postgres/operations/fragments.ts'
import { live } from '../../schema/index.ts'

/** Reads a live entry, if it is a stored response. */
export const readResponse = operation({
  name: 'read_stored_response',
  repeatable: 'always',
  rows: 'at most one',
  columns: { key: text, meta: text, value: text },
  build: (db, tables, answer) => {
    const { key, meta, value } = tables.entries
    return answer(db, { key, meta, value })
      .from(tables.entries)
      .where(sql`${key} = ${param('key')} and ${meta}::jsonb ? 'status' and ${value} is not null and ${live(tables)}`)
  },
})
