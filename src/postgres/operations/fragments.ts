/** Fragments of SQL that several statements share. */
import { type Placeholder, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { EntryState } from '../../cache.ts'
import { byBytes } from '../../schema/byte-order.ts'
import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { type CacheTables, live } from '../../schema/index.ts'
import { rejected } from '../../schema/rejected.ts'
import type { Deadline } from '../../values/expiration.ts'
import { isFromFuture } from './history.ts'

/** A condition on entries. */
export type Condition = (tables: CacheTables) => SQL

type ParamType = 'boolean' | 'float8' | 'int' | 'json' | 'jsonb' | 'numeric' | 'pg_snapshot' | 'timestamptz'

/** A parameter for `limit()`. Drizzle accepts any SQL there, although its types do not. */
export const limitOf = (name: string): Placeholder => param(name, 'int') as unknown as Placeholder

/**
 * A parameter. It is cast from text, so that every driver sends the runner's text unchanged, whatever the driver does with
 * other types.
 */
export function param(name: string, type?: ParamType): SQL {
  return type === undefined
    ? sql`${sql.placeholder(name)}::text`
    : sql`${sql.placeholder(name)}::text::${sql.raw(type)}`
}

/** An array from a parameter that is a list of texts, sent as JSON, or null. */
export function textArray(name: string): SQL {
  return sql`(
    select case when given.list is not null then array(select json_array_elements_text(given.list)) end
    from (select ${param(name, 'json')} as list) as given)::text[]`
}

/** Rows from parameters that are lists of equal length. Nulls stay. */
export function zipped(...names: string[]): SQL {
  const lists = names.map((name) => sql`json_array_elements_text(${param(name, 'json')})`)
  return sql`rows from (${sql.join(lists, sql`, `)})`
}

/** True if the text is in the list of a parameter. */
export function isAmong(text: SQLWrapper, name: string): SQL {
  return sql`${text} = any (array(select json_array_elements_text(${param(name, 'json')})))`
}

/** An interval from a parameter in milliseconds. */
export const milliseconds = (name: string): SQL => sql`(${param(name, 'float8')} * interval '1 millisecond')`

/**
 * The deadline of {@link deadlineValues}, by the database's clock. Null means never.
 *
 * A deadline that is not in the future becomes the epoch. Otherwise a statement that began earlier, and waited for a
 * lock, would still see it ahead.
 */
export const deadline: SQL = sql`(
  select case when d.deadline <= statement_timestamp() then timestamptz 'epoch' else d.deadline end
  from (select coalesce(${param('at', 'timestamptz')}, statement_timestamp() + ${milliseconds('after')}) as deadline) as d
)`

/** The parameters of {@link deadline}. */
export function deadlineValues(given: Deadline): { at: string | null; after: number | null } {
  return {
    at: given.kind === 'at' ? new Date(given.epochMs).toISOString() : null,
    after: given.kind === 'after' ? Math.max(0, given.ms) : null,
  }
}

/**
 * A row that a statement computes once. `offset 0` keeps the planner from copying its expressions to each place that uses
 * them, which takes a fifth of the time of a write.
 */
export function computedOnce(fields: Record<string, SQL>): SQL {
  const named = Object.entries(fields).map(([name, field]) => sql`${field} as ${sql.raw(name)}`)
  return sql`(select ${sql.join(named, sql`, `)} offset 0)`
}

/** The snapshot to store with a tagged entry: the caller's, or this statement's own. */
export const filledAt: SQL = sql`case when given.tags is not null then coalesce(${param('asOf', 'pg_snapshot')}, pg_current_snapshot()) end`

/** False if the caller's snapshot is from the future. */
export const isUsable: SQL = sql`(${param('asOf')} is null or not ${isFromFuture(param('asOf', 'pg_snapshot'))})`

/** The columns that a write sets. All of them, so that nothing of an older entry survives. */
const WRITTEN_COLUMNS =
  'key, value, number, expires_at, kept_until, cleanup_slot, tags, filled_at, compute_ms, created_at, updated_at, written_by'
export const writtenColumns: SQL = sql.raw(WRITTEN_COLUMNS)

/** The last three of {@link writtenColumns}. */
export const asWrittenNow: SQL = sql.raw('statement_timestamp(), statement_timestamp(), pg_current_xact_id()')

/** `kept_until` and its slot, for an entry that is never served stale. */
export const keptUntilExpired: SQL = sql`given.expires_at, ${cleanupSlot(sql.raw('given.expires_at'))}`

/** Sets all of them but the key, and `meta`, which is null unless the entry is a response. */
export const overwrite: SQL = sql.raw(
  `${WRITTEN_COLUMNS}, meta`
    .split(', ')
    .slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', '),
)

/**
 * `kept_until` after the deadline moves to `next.expires_at`. The distance between the two stays, but a past deadline is
 * final.
 *
 * If an entry has a deadline and no `kept_until`, it may be served stale for ever.
 */
function movedStaleUntil({ entries }: CacheTables): SQL {
  return sql`case
    when next.expires_at <= statement_timestamp() or ${entries.expiresAt} is null then next.expires_at
    else next.expires_at + (${entries.keptUntil} - ${entries.expiresAt})
  end`
}

/** Moves the deadline to `next.expires_at`, and what follows from it. */
export function movedDeadline(tables: CacheTables): SQL {
  const keptUntil = movedStaleUntil(tables)
  return sql`expires_at = next.expires_at, kept_until = ${keptUntil}, cleanup_slot = ${cleanupSlot(sql`(${keptUntil})`)}`
}

/** True for keys from `from` up to, but not including, `to`: a scope, or a prefix in it. */
export function inRange({ key }: { key: PgColumn }): SQL {
  return sql`(${byBytes(key)} >= ${param('from')} and ${byBytes(key)} < ${param('to')})`
}

/** True for keys of a range after the key `after`. */
export function isAfter({ entries }: CacheTables): SQL {
  return sql`${inRange(entries)} and ${byBytes(entries.key)} > ${param('after')}`
}

/** The state of an entry. Its tags are checked only if its deadline is still ahead. */
export function stateOf(tables: CacheTables): SQL<EntryState> {
  const { expiresAt } = tables.entries
  return sql<EntryState>`case when ${live(tables)} then 'live' when ${expiresAt} <= statement_timestamp() then 'expired' else 'invalidated' end`
}

/** The bytes of an entry's key and value in the table, after compression. */
export function storedBytes({ entries }: CacheTables): SQL {
  return sql`pg_column_size(${entries.key}) + coalesce(pg_column_size(${entries.value}), 0) + coalesce(pg_column_size(${entries.number}), 0)`
}

/**
 * True if the locked row version is visible to this statement's snapshot. A newer version must not be judged by what the
 * snapshot shows, such as who computes the key.
 *
 * A row restored from another cluster may name a writer of the future. Its age shows that it is older than everything that
 * is running.
 */
export function isVisibleVersion({ entries }: CacheTables): SQL {
  // Subqueries, because Postgres evaluates them once, and a function for each row.
  return sql`(coalesce(pg_visible_in_snapshot(${entries.writtenBy}, (select pg_current_snapshot())), true)
    or age(${entries}.xmin) > (select age(pg_snapshot_xmin(pg_current_snapshot())::xid)))`
}

/**
 * True for live entries without tags, which most are. The check of tags costs as much as the rest of a hit, even if there are
 * none: Postgres prepares it for each run of a statement.
 */
export function isLiveUntagged({ entries: { expiresAt, tags } }: CacheTables): SQL<boolean> {
  return sql<boolean>`(${tags} is null and (${expiresAt} is null or ${expiresAt} > statement_timestamp()))`
}

/** `live` for statements that lock, because these meet rows that were written after their own snapshot. */
export function liveWhenLocked(tables: CacheTables): SQL<boolean> {
  const { expiresAt, tags, filledAt, writtenBy } = tables.entries
  const isRejected = rejected(tables, { tags, filledAt, writtenBy, xmin: sql`${tables.entries}.xmin` })
  return sql<boolean>`((${expiresAt} is null or ${expiresAt} > statement_timestamp()) and not ${isRejected})`
}

/**
 * The new snapshot of a running counter: this statement's, as of which no tag rejects the counter.
 *
 * Otherwise a long-lived counter would fall behind the horizon of the trimmed log. A counter that was written meanwhile may
 * have a newer snapshot, and keeps it.
 */
export function recheckedAt({ entries: { filledAt } }: CacheTables): SQL {
  return sql`case when pg_snapshot_xmax(${filledAt}) < pg_snapshot_xmin(pg_current_snapshot())
    then pg_current_snapshot() else ${filledAt} end`
}
