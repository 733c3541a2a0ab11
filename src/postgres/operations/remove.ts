import { sql } from '../../schema/sql.ts'
import { bool, integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { liveWhenLocked, param } from './fragments.ts'
import { breakLeases } from './lease.ts'

/** Deletes an entry, live or expired, and counts it if it was live. */
export const remove = operation({
  name: 'remove',
  repeatable: 'unsent',
  rows: 'one',
  columns: { count: integer, raced: bool },
  build(tables) {
    const { entries } = tables
    const { broken, raced } = breakLeases(tables, sql`select ${param('key')} as key`)
    const removed = cte('removed')`
      delete from ${entries} using broken where ${entries.key} = broken.key
      returning ${liveWhenLocked(tables)} as live`
    return {
      with: [broken, removed],
      select: {
        count: sql`(select count(*) from removed where removed.live)`,
        raced,
      },
      from: sql`(select) as one`,
    }
  },
})
