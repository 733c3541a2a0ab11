import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { asWrittenNow, deadline, filledAt, overwrite, param, writtenColumns } from './fragments.ts'

/** Stores an entry, whatever was there. */
export const write = operation('unsent', (db, { entries }) => {
  const written = db.$with('written', {}).as(sql`
    insert into ${entries} (${writtenColumns})
    select ${param('key')}::text, ${param('value')}::text, ${param('number')}::numeric,
      given.expires_at, given.expires_at, given.tags, ${filledAt}, null, ${asWrittenNow}
    from (select ${deadline} as expires_at, ${param('tags')}::text[] as tags) as given
    on conflict (key) do update set ${overwrite}
    returning 1`)
  return db.with(written).select({ count: sql<number>`count(*)::int` }).from(sql`written`)
})
