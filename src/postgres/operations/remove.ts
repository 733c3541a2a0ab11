import { sql } from 'drizzle-orm'
import { bool, integer } from '../kinds.ts'
import { operation } from '../operation.ts'
import { liveWhenLocked, param } from './fragments.ts'
import { breakLeases } from './lease.ts'

/** Deletes an entry, live or expired, and counts it if it was live. */
export const remove = operation({
  name: 'remove',
  repeatable: 'unsent',
  rows: 'one',
  columns: { count: integer, raced: bool },
  build(db, tables, answer) {
    const { entries } = tables
    const { broken, raced } = breakLeases(db, tables, sql`select ${param('key')} as key`)
    const removed = db.$with('removed', {}).as(sql`
      delete from ${entries} using broken where ${entries.key} = broken.key
      returning ${liveWhenLocked(tables)} as live`)
    return answer(db.with(broken, removed), {
      count: sql`(select count(*) from removed where removed.live)`,
      raced,
    }).from(sql`(select) as one`)
  },
})
