import { decimal, nullable, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { inRange, param } from '../../postgres/operations/fragments.ts'
import { sql } from '../../schema/sql.ts'

/** Reads the whole value of an entry, live or not. */
export const readStored = operation({
  name: 'read_stored',
  repeatable: 'always',
  rows: 'at most one',
  columns: { value: nullable(text), number: nullable(decimal), meta: nullable(text) },
  build: ({ entries }) => ({
    select: { value: entries.value, number: entries.number, meta: entries.meta },
    from: sql`${entries} where ${entries.key} = ${param('key')} and ${inRange(entries)}`,
  }),
})
