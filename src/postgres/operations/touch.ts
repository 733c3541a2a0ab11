import { sql } from 'drizzle-orm'
import { integer } from '../kinds.ts'
import { operation } from '../operation.ts'
import { deadline, liveWhenLocked, movedKeptUntil, param } from './fragments.ts'

/**
 * Moves a live entry's deadline: one row if it was live. The value is not mentioned, so its TOAST is not rewritten.
 *
 * Into the past it makes the entry absent, and so counts as a write to a fill that is under way.
 */
export const touch = operation({
  name: 'touch',
  repeatable: 'unsent',
  rows: 'at most one',
  columns: { touched: integer },
  build(db, tables, answer) {
    const { entries } = tables
    const touched = db.$with('touched', {}).as(sql`
      update ${entries}
      set expires_at = next.expires_at, kept_until = ${movedKeptUntil(tables)}, updated_at = now(),
        written_by = case when next.expires_at <= now() then pg_current_xact_id() else ${entries.writtenBy} end
      from (select ${deadline} as expires_at) as next
      where ${entries.key} = ${param('key')} and ${liveWhenLocked(tables)}
      returning 1`)
    return answer(db.with(touched), { touched: sql`1` }).from(sql`touched`)
  },
})
