import { isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'
import { bool, decimal, nullable, text } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { param } from './fragments.ts'
import { slide } from './slide.ts'

/** Reads an entry, and moves its deadline if the move is due. */
export const readSliding = operation({
  name: 'read_sliding',
  repeatable: 'always',
  rows: 'at most one',
  prefersRoutine: true,
  columns: { value: nullable(text), number: nullable(decimal), touched: bool },
  build(tables) {
    const { entries } = tables
    const found = cte('found')`
      select ${entries.key}, ${entries.value}, ${entries.number}
      from ${entries}
      where ${entries.key} = ${param('key')} and ${isLive(tables)}`
    const { ctes, touched } = slide(tables)
    return {
      with: [found, ...ctes],
      select: {
        value: sql`found.value`,
        number: sql`found.number`,
        touched,
      },
      from: sql`found`,
    }
  },
})
