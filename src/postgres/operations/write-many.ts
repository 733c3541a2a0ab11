import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { asWrittenNow, deadline, filledAt, overwrite, param, writtenColumns } from './fragments.ts'

/**
 * Stores entries, whatever was there. `keys` must be distinct.
 *
 * In key order, so that two callers cannot deadlock; as arrays, because placeholders end at 65,535.
 */
export const writeMany = operation('unsent', (db, { entries }) => {
  const written = db.$with('written', {}).as(sql`
    insert into ${entries} (${writtenColumns})
    select item.key, item.value, item.number::numeric,
      given.expires_at, given.expires_at, given.tags, ${filledAt}, null, ${asWrittenNow}
    from unnest(${param('keys')}::text[], ${param('values')}::text[], ${param('numbers')}::text[]) as item(key, value, number),
      (select ${deadline} as expires_at, ${param('tags')}::text[] as tags) as given
    order by item.key collate "C"
    on conflict (key) do update set ${overwrite}
    returning 1`)
  return db.with(written).select({ count: sql<number>`count(*)::int` }).from(sql`written`)
})
