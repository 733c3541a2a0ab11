import { text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { param } from '../../postgres/operations/fragments.ts'
import { isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'

/** Reads a live entry, if it is a stored response. */
export const readResponse = operation({
  name: 'read_stored_response',
  repeatable: 'always',
  rows: 'at most one',
  columns: { key: text, meta: text, value: text },
  build: (tables) => {
    const { key, meta, value } = tables.entries
    return {
      select: { key, meta, value },
      from: sql`${tables.entries} where ${key} = ${param('key')} and ${meta}::jsonb ? 'status' and ${value} is not null and ${isLive(tables)}`,
    }
  },
})
