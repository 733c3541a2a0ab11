import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { param } from './fragments.ts'

/** Notes that this transaction invalidated tags; reads compare it with what each entry's fill could see. */
export const invalidate = operation('unsent', (db, { invalidations }) => {
  const noted = db.$with('noted', {}).as(sql`
    insert into ${invalidations} (tag)
    select item.tag from unnest(${param('tags')}::text[]) as item(tag)
    order by item.tag collate "C"
    on conflict do nothing
    returning 1`)
  return db.with(noted).select({ count: sql<number>`count(*)::int` }).from(sql`noted`)
})
