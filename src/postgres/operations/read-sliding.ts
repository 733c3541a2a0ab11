import { sql } from 'drizzle-orm'
import { live } from '../../schema/index.ts'
import { bool, decimal, nullable, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param } from './fragments.ts'
import { slide } from './slide.ts'

/** Reads an entry, and moves its deadline if the move is due. */
export const readSliding = operation({
  name: 'read_sliding',
  repeatable: 'always',
  rows: 'at most one',
  prefersRoutine: true,
  columns: { value: nullable(text), number: nullable(decimal), touched: bool },
  build(db, tables, answer) {
    const { entries } = tables
    const found = db.$with('found', {}).as(sql`
      select ${entries.key}, ${entries.value}, ${entries.number}
      from ${entries}
      where ${entries.key} = ${param('key')} and ${live(tables)}`)
    const { ctes, touched } = slide(db, tables)
    return answer(db.with(found, ...ctes), {
      value: sql`found.value`,
      number: sql`found.number`,
      touched,
    }).from(sql`found`)
  },
})
