import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { overwrite, param, writtenColumns } from './fragments.ts'

/**
 * Stores entries as they were exported, whatever was there; what is past keeping is left out. `keys` must be distinct.
 *
 * A tagged entry without a snapshot of its own is as of `asOf`.
 */
export const importEntries = operation('unsent', (db, { entries }) => {
  const array = (name: string, type: string) => sql`${param(name)}::${sql.raw(type)}[]`
  const written = db.$with('written', {}).as(sql`
    insert into ${entries} (${writtenColumns}, meta)
    select item.key, item.value, item.number::numeric, item.expires_at::timestamptz, item.kept_until::timestamptz,
      tagged.tags, case when tagged.tags is not null then coalesce(item.filled_at, ${param('asOf')})::pg_snapshot end,
      item.compute_ms::float8, coalesce(item.created_at::timestamptz, now()), coalesce(item.updated_at::timestamptz, now()),
      pg_current_xact_id(), item.meta
    from unnest(
      ${array('keys', 'text')}, ${array('values', 'text')}, ${array('numbers', 'text')}, ${array('expiresAts', 'text')},
      ${array('keptUntils', 'text')}, ${array('tags', 'text')}, ${array('filledAts', 'text')},
      ${array('computeMs', 'text')}, ${array('createdAts', 'text')}, ${array('updatedAts', 'text')}, ${array('metas', 'text')}
    ) as item(key, value, number, expires_at, kept_until, tags, filled_at, compute_ms, created_at, updated_at, meta),
      lateral (select array_agg(tag) as tags from json_array_elements_text(item.tags::json) as t(tag)) as tagged
    where item.kept_until is null or item.kept_until::timestamptz > now()
    order by item.key collate "C"
    on conflict (key) do update set ${overwrite}
    returning 1`)
  return db.with(written).select({ count: sql<number>`count(*)::int` }).from(sql`written`)
})
