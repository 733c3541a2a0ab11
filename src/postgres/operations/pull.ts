import { sql } from '../../schema/sql.ts'
import { bool, decimal, nullable, text } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { liveWhenLocked, param } from './fragments.ts'
import { breakLeases } from './lease.ts'

/** Deletes an entry, and returns its value. Only the caller whose delete removes the row gets the value. */
export const pull = operation({
  name: 'pull',
  repeatable: 'unsent',
  rows: 'one',
  columns: { found: bool, value: nullable(text), number: nullable(decimal), raced: bool },
  build(tables) {
    const { entries } = tables
    const { broken, raced } = breakLeases(tables, sql`select ${param('key')} as key`)
    const pulled = cte('pulled')`
      delete from ${entries} using broken where ${entries.key} = broken.key
      returning ${entries.value}, ${entries.number}, ${liveWhenLocked(tables)} as live`
    return {
      with: [broken, pulled],
      select: {
        found: sql`coalesce(pulled.live, false)`,
        value: sql`case when pulled.live then pulled.value end`,
        number: sql`case when pulled.live then pulled.number end`,
        raced,
      },
      from: sql`(select) as one left join pulled on true`,
    }
  },
})
