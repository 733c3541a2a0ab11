import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { deadline, liveWhenLocked, movedKeptUntil, param } from './fragments.ts'

/**
 * Moves a live entry's deadline: one row if it was live. The value is not mentioned, so its TOAST is not rewritten.
 *
 * Into the past it makes the entry absent, and so counts as a write to a fill that is under way.
 */
export const touch = operation('unsent', (db, tables) => {
  const { entries } = tables
  const touched = db.$with('touched', {}).as(sql`
    update ${entries}
    set expires_at = next.expires_at, kept_until = ${movedKeptUntil(tables)}, updated_at = now(),
      written_by = case when next.expires_at <= now() then pg_current_xact_id() else ${entries.writtenBy} end
    from (select ${deadline} as expires_at) as next
    where ${entries.key} = ${param('key')}::text and ${liveWhenLocked(tables)}
    returning 1`)
  return db.with(touched).select({ touched: sql<number>`1` }).from(sql`touched`)
})
