import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema.ts'
import { operation, type QueryDatabase } from '../database.ts'
import { param } from './fragments.ts'
import { breakLeases } from './lease.ts'

/** Ranges of responses: what is being computed for them is not stored, also for URLs of which nothing is there yet. */
function steps(db: QueryDatabase, tables: CacheTables, value: (name: PurgeValue) => SQLWrapper, change: SQL) {
  const { entries, leases } = tables
  const ranges = sql`unnest(${value('froms')}::text[], ${value('tos')}::text[]) as asked(first, last)`
  // One range after the other, each through the key, which the order forces; and its keys through an array. The planner
  // would otherwise join the whole table with the ranges: 4 s for 50 URLs beside 300,000 entries.
  const inRanges = (table: typeof entries | typeof leases, condition: SQL) => sql`
    select each.key from ${ranges}, lateral (
      select ${table.key} from ${table}
      where ${table.key} >= asked.first and ${table.key} < asked.last and ${condition}
      order by ${table.key}
    ) as each`
  const { broken, raced } = breakLeases(
    db,
    tables,
    sql`
      select asked.key from unnest(${value('bases')}::text[]) as asked(key)
      union ${inRanges(leases, sql`${leases.token} is not null`)}`,
  )
  const isTagged = sql`(${value('tags')}::text[] is null or ${entries.tags} && ${value('tags')}::text[])`
  const doomed = db.$with('doomed', {}).as(sql`
    select ${entries.key} from ${entries}
    where ${entries.key} = any (array(${inRanges(entries, isTagged)})) and ${isTagged}
      and (select count(*) from broken) >= 0
    order by ${entries.key}
    for update`)
  const purged = db.$with('purged', {}).as(change)
  return db
    .with(broken, doomed, purged)
    .select({ purged: sql<number>`(select count(*)::int from purged where is_response)`, raced })
    .from(sql`(select) as one`)
}

/** What a purge is told: URLs' keys, ranges of keys, and tags or null for any. */
export type PurgeValue = 'bases' | 'froms' | 'tos' | 'tags'

/** The statement with values of the caller's in it, for a batch of theirs. */
export function purgeQuery(
  db: QueryDatabase,
  tables: CacheTables,
  value: (name: PurgeValue) => SQLWrapper,
  kind: 'hard' | 'soft',
) {
  return steps(db, tables, value, kind === 'hard' ? removal(tables) : ending(tables))
}

/** Removes responses, and counts them. */
export const purgeHard = operation('unsent', (db, tables) => purgeQuery(db, tables, param, 'hard'))

/** Makes responses stale from now on, and counts them: they are validated, or served while they are refreshed. */
export const purgeSoft = operation('unsent', (db, tables) => purgeQuery(db, tables, param, 'soft'))

function removal({ entries }: CacheTables): SQL {
  return sql`
    delete from ${entries} using doomed where ${entries.key} = doomed.key
    returning ${entries.meta}::jsonb ? 'status' as is_response`
}

function ending({ entries }: CacheTables): SQL {
  const staleSince = sql`least(
    (${entries.meta}::jsonb ->> 'staleSince')::float8, floor(extract(epoch from now()) * 1000)::float8)`
  return sql`
    update ${entries}
    set expires_at = least(${entries.expiresAt}, now()), updated_at = now(), written_by = pg_current_xact_id(),
      meta = jsonb_set(${entries.meta}::jsonb, '{staleSince}', to_jsonb(${staleSince}))::text
    from doomed where ${entries.key} = doomed.key and ${entries.meta}::jsonb ? 'status'
    returning true as is_response`
}
