import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { asWrittenNow, deadline, filledAt, liveWhenLocked, overwrite, param, writtenColumns } from './fragments.ts'

/** Stores an entry where none is live: one row if it did. An expired one is replaced. */
export const add = operation('unsent', (db, tables) => {
  const written = db.$with('written', {}).as(sql`
    insert into ${tables.entries} (${writtenColumns})
    select ${param('key')}::text, ${param('value')}::text, ${param('number')}::numeric,
      given.expires_at, given.expires_at, given.tags, ${filledAt}, null, ${asWrittenNow}
    from (select ${deadline} as expires_at, ${param('tags')}::text[] as tags) as given
    on conflict (key) do update set ${overwrite} where not ${liveWhenLocked(tables)}
    returning 1`)
  return db.with(written).select({ added: sql<number>`1` }).from(sql`written`)
})
