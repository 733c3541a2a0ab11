import { sql } from '../../schema/sql.ts'
import { integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { asWrittenNow, computeOnce, deadline, keptUntilExpired, writtenColumns, zipped } from './fragments.ts'

/**
 * Records an event of each tag at the present instant, by the database's clock. Locks in key order.
 *
 * The number of an event is the start of this statement, in whole milliseconds since 1970, rounded up. The caller
 * chooses the fraction, which describes the event. A later event replaces an earlier one, regardless of the order in
 * which their transactions lock the row.
 */
export const writeTagEvents = operation({
  name: 'write_tag_events',
  repeatable: 'always',
  rows: 'one',
  columns: { count: integer },
  build({ entries }) {
    const written = cte('written')`
      insert into ${entries} (${writtenColumns})
      select item.key, null, given.at + item.fraction::numeric,
        given.expires_at, ${keptUntilExpired}, null, null, null, ${asWrittenNow}
      from ${zipped('keys', 'fractions')} as item(key, fraction),
        ${computeOnce({ expires_at: deadline, at: sql`ceil(extract(epoch from statement_timestamp()) * 1000)::numeric` })} as given
      order by item.key collate "C"
      on conflict (key) do update set number = greatest(${entries.number}, excluded.number), value = null,
        expires_at = excluded.expires_at, kept_until = excluded.kept_until, cleanup_slot = excluded.cleanup_slot,
        tags = null, filled_at = null, compute_ms = null, meta = null,
        updated_at = excluded.updated_at, written_by = excluded.written_by
      returning 1`
    return { with: [written], select: { count: sql`count(*)` }, from: sql`written` }
  },
})
