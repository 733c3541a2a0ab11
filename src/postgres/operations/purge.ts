import { type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema.ts'
import { operation, type QueryDatabase } from '../database.ts'
import { param } from './fragments.ts'
import { breakLeases } from './lease.ts'

const ranges = sql`unnest(${param('froms')}::text[], ${param('tos')}::text[]) as asked(first, last)`

/** Ranges of responses: what is being computed for them is not stored, also for URLs of which nothing is there yet. */
function steps(db: QueryDatabase, tables: CacheTables, change: (doomed: SQL) => SQL) {
  const { entries, leases } = tables
  const { broken, raced } = breakLeases(
    db,
    tables,
    sql`
      select asked.key from unnest(${param('bases')}::text[]) as asked(key)
      union select held.key from ${leases} as held, ${ranges}
      where held.key >= asked.first and held.key < asked.last and held.token is not null`,
  )
  const doomed = db.$with('doomed', {}).as(sql`
    select ${entries.key} from ${entries}
    where exists (select from ${ranges} where ${entries.key} >= asked.first and ${entries.key} < asked.last)
      and (${param('tags')}::text[] is null or ${entries.tags} && ${param('tags')}::text[])
      and (select count(*) from broken) >= 0
    order by ${entries.key}
    for update`)
  const purged = db.$with('purged', {}).as(change(sql`doomed`))
  return db
    .with(broken, doomed, purged)
    .select({ purged: sql<number>`(select count(*)::int from purged where is_response)`, raced })
    .from(sql`(select) as one`)
}

/** Removes responses, and counts them. */
export const purgeHard = operation('unsent', (db, tables) =>
  steps(
    db,
    tables,
    () => sql`
      delete from ${tables.entries} using doomed where ${tables.entries.key} = doomed.key
      returning ${tables.entries.meta}::jsonb ? 'status' as is_response`,
  ),
)

/** Makes responses stale from now on, and counts them: they are validated, or served while they are refreshed. */
export const purgeSoft = operation('unsent', (db, tables) => {
  const { entries } = tables
  return steps(
    db,
    tables,
    () => sql`
      update ${entries}
      set expires_at = least(${entries.expiresAt}, now()), updated_at = now(), written_by = pg_current_xact_id(),
        meta = jsonb_set(${entries.meta}::jsonb, '{staleSince}',
          to_jsonb(least((${entries.meta}::jsonb ->> 'staleSince')::float8, floor(extract(epoch from now()) * 1000)::float8)))::text
      from doomed where ${entries.key} = doomed.key and ${entries.meta}::jsonb ? 'status'
      returning true as is_response`,
  )
})
