import { byBytes } from '../../schema/byte-order.ts'
import { type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { isBefore } from '../../schema/walk.ts'
import { bool, integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { param } from '../operations/fragments.ts'
import { breakLeases } from '../operations/lease.ts'

/**
 * Builds the steps of a purge. A purge breaks leases too, so that a pending fill stores nothing, even for a URL without
 * a stored response.
 *
 * It does not break the lease with the token `exceptToken`. The holder of that lease purges because of its own write,
 * and then stores a response made after that write. Null breaks all leases.
 */
function purgeSteps(tables: TableNames, change: Sql) {
  const { entries, leases } = tables
  const texts = (name: PurgeValue) => sql`json_array_elements_text(${param(name, 'json')})`
  const ranges = sql`unnest(array(select ${texts('froms')}), array(select ${texts('tos')})) as asked(first, last)`
  const isTagged = sql`(${param('tags', 'json')} is null or ${entries.tags} && array(select ${texts('tags')}))`
  const tagged = cte('tagged')`${keysInRanges(ranges, entries, isTagged, 50)}`
  const leased = cte('leased')`${keysInRanges(ranges, leases, sql`${leases.token} is not null`, 10)}`
  const { broken, raced } = breakLeases(
    tables,
    sql`
      select asked.key from unnest(array(select ${texts('bases')})) as asked(key)
      union select asked.key from unnest(array(select unnest(leased.found) from leased)) as asked(key)`,
    param('exceptToken'),
  )
  const selected = cte('selected')`
    select ${entries.key} from ${entries}
    where ${entries.key} = any (array(select unnest(tagged.found) from tagged)) and ${isTagged}
      and (select count(*) from broken) >= 0
    order by ${byBytes(entries.key)}
    for update`
  const purged = cte('purged')`${change}`
  return {
    ctes: [tagged, leased, broken, selected, purged],
    columns: { purged: sql`(select count(*) from purged where is_response)`, raced },
  }
}

/**
 * Builds a query that walks ranges of keys in pages. Each row has the wanted keys of a page, `found`, and the page's
 * last key.
 *
 * With pages, the planner's estimate does not grow with the table. Without pages, the planner expects a part of the
 * table for each of ten ranges. JIT then compiled a purge in a table of 200,000 entries, which took longer than the purge
 * itself.
 *
 * @param size the size of a page, in keys
 */
function keysInRanges(ranges: Sql, table: TableNames['entries' | 'leases'], isWanted: Sql, size: number): Sql {
  const page = (isNext: Sql) => sql`lateral (
    select case when count(*) = ${size} then max(looked.key collate "C") end, array_agg(looked.key) filter (where looked.is_wanted)
    from (
      select ${table.key}, (${isWanted}) as is_wanted from ${table}
      where ${isNext} and ${isBefore(byBytes(table.key), sql`asked.last`)}
      order by ${byBytes(table.key)} limit ${size}
    ) as looked) as page`
  return sql`
    with recursive walk(last, at, found) as (
      select asked.last, page.* from ${ranges}, ${page(sql`${byBytes(table.key)} >= asked.first`)}
      union all
      select asked.last, page.* from walk as asked, ${page(sql`${byBytes(table.key)} > asked.at`)} where asked.at collate "C" < asked.last
    )
    select walk.found from walk`
}

/** The parameters of a purge: keys of URLs, the ends of key ranges, and tags, or null for all responses. */
export type PurgeValue = 'bases' | 'froms' | 'tos' | 'tags'

function purge(name: string, change: (tables: TableNames) => Sql) {
  return operation({
    name,
    repeatable: 'unsent',
    rows: 'one',
    prefersRoutine: true,
    columns: { purged: integer, raced: bool },
    build(tables) {
      const { ctes, columns } = purgeSteps(tables, change(tables))
      return { with: ctes, select: columns, from: sql`(select) as one` }
    },
  })
}

/** Deletes responses, and counts them. */
export const purgeHard = purge('purge_hard', deleteSelected)

/**
 * Makes responses stale from now on, and counts them. Later requests revalidate them, or get them while they are
 * refreshed.
 */
export const purgeSoft = purge('purge_soft', expireSelected)

function deleteSelected({ entries }: TableNames): Sql {
  return sql`
    delete from ${entries} using selected where ${entries.key} = selected.key
    returning ${entries.meta}::jsonb ? 'status' as is_response`
}

function expireSelected({ entries }: TableNames): Sql {
  // Use numeric: the JSON digits of a float8 depend on the setting `extra_float_digits`.
  const staleSince = sql`least(
    (${entries.meta}::jsonb ->> 'staleSince')::numeric, floor(extract(epoch from statement_timestamp()) * 1000))`
  return sql`
    update ${entries}
    set expires_at = least(${entries.expiresAt}, statement_timestamp()), updated_at = statement_timestamp(), written_by = pg_current_xact_id(),
      meta = jsonb_set(${entries.meta}::jsonb, '{staleSince}', to_jsonb(${staleSince}))::text
    from selected where ${entries.key} = selected.key and ${entries.meta}::jsonb ? 'status'
    returning true as is_response`
}
