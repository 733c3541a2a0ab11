/** Fragments of SQL that several statements share. */
import { byBytes } from '../../schema/byte-order.ts'
import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { isLive } from '../../schema/conditions.ts'
import { rejected } from '../../schema/rejected.ts'
import { join, placeholder, raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { walk } from '../../schema/walk.ts'
import type { Deadline } from '../../values/expiration.ts'
import { isFromFuture } from './history.ts'

type ParamType = 'boolean' | 'float8' | 'int' | 'json' | 'jsonb' | 'numeric' | 'pg_snapshot' | 'timestamptz'

/**
 * Builds a parameter. It is cast from text, because every driver sends the runner's text unchanged. Drivers differ for
 * other types.
 */
export function param(name: string, type?: ParamType): Sql {
  return type === undefined ? sql`${placeholder(name)}::text` : sql`${placeholder(name)}::text::${raw(type)}`
}

/** Builds an array from a parameter that is null or a list of texts, sent as JSON. */
export function textArray(name: string): Sql {
  return sql`(
    select case when given.list is not null then array(select json_array_elements_text(given.list)) end
    from (select ${param(name, 'json')} as list) as given)::text[]`
}

/** Builds rows from parameters that are lists of equal length. Nulls stay. */
export function zipped(...names: string[]): Sql {
  const lists = names.map((name) => sql`json_array_elements_text(${param(name, 'json')})`)
  return sql`rows from (${join(lists)})`
}

/** True if the text is in the list of a parameter. */
export function isAmong(text: Sql, name: string): Sql {
  return sql`${text} = any (array(select json_array_elements_text(${param(name, 'json')})))`
}

/** Builds an interval from a parameter in milliseconds. */
export const milliseconds = (name: string): Sql => sql`(${param(name, 'float8')} * interval '1 millisecond')`

/**
 * The deadline of {@link deadlineValues}, by the database's clock. Null means never.
 *
 * A deadline that is not in the future becomes the epoch. Otherwise a statement that began earlier and waited for a
 * lock would still see a deadline in the future.
 */
export const deadline: Sql = sql`(
  select case when d.deadline <= statement_timestamp() then timestamptz 'epoch' else d.deadline end
  from (select coalesce(${param('at', 'timestamptz')}, statement_timestamp() + ${milliseconds('after')}) as deadline) as d
)`

/** Returns the parameters of {@link deadline}. */
export function deadlineValues(given: Deadline): { at: string | null; after: number | null } {
  return {
    at: given.kind === 'at' ? new Date(given.epochMs).toISOString() : null,
    after: given.kind === 'after' ? Math.max(0, given.ms) : null,
  }
}

/**
 * Builds a row that a statement computes once. `offset 0` keeps the planner from copying the expressions to each place
 * that uses them. The copies would take a fifth of a write's time.
 */
export function computeOnce(fields: Record<string, Sql>): Sql {
  const named = Object.entries(fields).map(([name, field]) => sql`${field} as ${raw(name)}`)
  return sql`(select ${join(named)} offset 0)`
}

/** The snapshot to store with a tagged entry: the caller's snapshot if there is one, otherwise this statement's. */
export const filledAt: Sql = sql`case when given.tags is not null then coalesce(${param('asOf', 'pg_snapshot')}, pg_current_snapshot()) end`

/** False if the caller's snapshot is from the future. */
export const isUsable: Sql = sql`(${param('asOf')} is null or not ${isFromFuture(param('asOf', 'pg_snapshot'))})`

/** The columns that a write sets. It sets all of them, so that nothing of an older entry survives. */
const WRITTEN_COLUMNS =
  'key, value, number, expires_at, kept_until, cleanup_slot, tags, filled_at, compute_ms, created_at, updated_at, written_by'
export const writtenColumns: Sql = raw(WRITTEN_COLUMNS)

/** The last three of {@link writtenColumns}. */
export const asWrittenNow: Sql = raw('statement_timestamp(), statement_timestamp(), pg_current_xact_id()')

/** `kept_until` and its slot, for an entry that is never served stale. */
export const keptUntilExpired: Sql = sql`given.expires_at, ${cleanupSlot(raw('given.expires_at'))}`

/** Sets all {@link writtenColumns} except the key. Also sets `meta`, which is null unless the entry is a response. */
export const overwrite: Sql = raw(
  `${WRITTEN_COLUMNS}, meta`
    .split(', ')
    .slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', '),
)

/**
 * Returns `kept_until` after the deadline moves to `next.expires_at`. The time between the two stays the same. But if
 * the new deadline has passed, the entry must not be served stale.
 *
 * An entry with a deadline and no `kept_until` may be served stale forever.
 */
function movedStaleUntil({ entries }: TableNames): Sql {
  return sql`case
    when next.expires_at <= statement_timestamp() or ${entries.expiresAt} is null then next.expires_at
    else next.expires_at + (${entries.keptUntil} - ${entries.expiresAt})
  end`
}

/** Moves the deadline to `next.expires_at`, and sets the columns that depend on it. */
export function movedDeadline(tables: TableNames): Sql {
  const keptUntil = movedStaleUntil(tables)
  return sql`expires_at = next.expires_at, kept_until = ${keptUntil}, cleanup_slot = ${cleanupSlot(sql`(${keptUntil})`)}`
}

/** True for keys from `from` up to, but not including, `to`: a scope, or a prefix in it. */
export function inRange({ key }: { key: Sql }): Sql {
  return sql`(${byBytes(key)} >= ${param('from')} and ${byBytes(key)} < ${param('to')})`
}

/** {@link inRange} for a query that reads the first of these keys in their order. */
export function walkRange({ key }: { key: Sql }): Sql {
  return walk(byBytes(key), param('from'), param('to'))
}

/** True for keys of a range after the key `after`, for a query that reads the first of them in their order. */
export function isAfter({ entries }: TableNames): Sql {
  return sql`${walkRange(entries)} and ${byBytes(entries.key)} > (select ${param('after')})`
}

/** Returns the state of an entry. Checks its tags only if its deadline has not passed. */
export function stateOf(tables: TableNames): Sql {
  const { expiresAt } = tables.entries
  return sql`case when ${isLive(tables)} then 'live' when ${expiresAt} <= statement_timestamp() then 'expired' else 'invalidated' end`
}

/** Returns the bytes of an entry's key and value in the table, after compression. */
export function storedBytes({ entries }: TableNames): Sql {
  return sql`pg_column_size(${entries.key}) + coalesce(pg_column_size(${entries.value}), 0) + coalesce(pg_column_size(${entries.number}), 0)`
}

/**
 * True if the locked row version is visible to this statement's snapshot. A newer version must not be judged by older
 * rows of the snapshot, such as the key's lease.
 *
 * A row restored from another cluster may name a writer with an id from the future. The row's age shows that it is
 * older than all running transactions.
 */
export function isVisibleVersion({ entries }: TableNames): Sql {
  // Use subqueries, because Postgres evaluates a subquery once, but a function for each row.
  return sql`(coalesce(pg_visible_in_snapshot(${entries.writtenBy}, (select pg_current_snapshot())), true)
    or age(${entries}.xmin) > (select age(pg_snapshot_xmin(pg_current_snapshot())::xid)))`
}

/**
 * True for live entries without tags. Most entries have none. The check of tags costs as much as the rest of a hit,
 * even for untagged entries. Postgres prepares the check for each run of a statement.
 */
export function isLiveUntagged({ entries: { expiresAt, tags } }: TableNames): Sql {
  return sql`(${tags} is null and (${expiresAt} is null or ${expiresAt} > statement_timestamp()))`
}

/** `live` for statements that lock, because these also find rows that were written after their own snapshot. */
export function liveWhenLocked(tables: TableNames): Sql {
  const { expiresAt, tags, filledAt, writtenBy } = tables.entries
  const isRejected = rejected(tables, { tags, filledAt, writtenBy, xmin: sql`${tables.entries}.xmin` })
  return sql`((${expiresAt} is null or ${expiresAt} > statement_timestamp()) and not ${isRejected})`
}

/**
 * Returns the new snapshot of a running counter: this statement's snapshot, because no tag rejects the counter now.
 *
 * Otherwise the snapshot of a long-lived counter would become older than the horizon of the trimmed log. A counter that
 * was written since this statement's snapshot may have a newer snapshot, and keeps it.
 */
export function recheckedAt({ entries: { filledAt } }: TableNames): Sql {
  return sql`case when pg_snapshot_xmax(${filledAt}) < pg_snapshot_xmin(pg_current_snapshot())
    then pg_current_snapshot() else ${filledAt} end`
}
