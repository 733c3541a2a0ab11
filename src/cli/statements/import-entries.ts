import { integer } from '../../postgres/kinds.ts'
import { cte, operation } from '../../postgres/operation.ts'
import { overwrite, param, writtenColumns, zipped } from '../../postgres/operations/fragments.ts'
import { isFromFuture } from '../../postgres/operations/history.ts'
import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { sql } from '../../schema/sql.ts'

/**
 * Stores exported entries, and overwrites existing entries with the same keys. `keys` must be distinct.
 *
 * It skips entries that cleanup would already delete.
 *
 * A tagged entry takes the snapshot `asOf` if it has no snapshot, or one from the future: then the database was
 * restored to an earlier state since the export.
 */
export const importEntries = operation({
  name: 'import_entries',
  repeatable: 'unsent',
  rows: 'one',
  columns: { count: integer },
  build({ entries }) {
    const written = cte('written')`
      insert into ${entries} (${writtenColumns}, meta)
      select item.key, item.value, item.number::numeric, item.expires_at::timestamptz, item.kept_until::timestamptz,
        ${cleanupSlot(sql`item.kept_until::timestamptz`)},
        tagged.tags, case when tagged.tags is not null then given.filled_at end,
        item.compute_ms::float8, coalesce(item.created_at::timestamptz, statement_timestamp()), coalesce(item.updated_at::timestamptz, statement_timestamp()),
        pg_current_xact_id(), item.meta
      from ${zipped('keys', 'values', 'numbers', 'expiresAts', 'keptUntils', 'tags', 'filledAts', 'computeMs', 'createdAts', 'updatedAts', 'metas')}
        as item(key, value, number, expires_at, kept_until, tags, filled_at, compute_ms, created_at, updated_at, meta),
        lateral (select array_agg(tag) as tags from json_array_elements_text(item.tags::json) as t(tag)) as tagged,
        lateral (select case when ${isFromFuture(sql`item.filled_at::pg_snapshot`)} then ${param('asOf')} else coalesce(item.filled_at, ${param('asOf')}) end::pg_snapshot as filled_at) as given
      where item.kept_until is null or item.kept_until::timestamptz > statement_timestamp()
      order by item.key collate "C"
      on conflict (key) do update set ${overwrite}
      returning 1`
    return { with: [written], select: { count: sql`count(*)` }, from: sql`written` }
  },
})
