/** Pieces that several statements share. */
import { type Placeholder, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { EntryState } from '../../cache.ts'
import { type CacheTables, live } from '../../schema/index.ts'
import { rejected } from '../../schema/rejected.ts'
import type { Deadline } from '../../values/expiration.ts'

type ParamType = 'boolean' | 'float8' | 'int' | 'json' | 'jsonb' | 'numeric' | 'pg_snapshot' | 'timestamptz'

/** A parameter for `limit()`. Drizzle takes any SQL there, and its types say that it does not. */
export const limitOf = (name: string): Placeholder => param(name, 'int') as unknown as Placeholder

/**
 * A parameter. Cast from text, so that each driver sends it as the text that the runner makes of it, whatever it does with
 * other types.
 */
export function param(name: string, type?: ParamType): SQL {
  return type === undefined
    ? sql`${sql.placeholder(name)}::text`
    : sql`${sql.placeholder(name)}::text::${sql.raw(type)}`
}

/** A parameter that is a list of texts, or null, as an array. It is sent as JSON. */
export function textArray(name: string): SQL {
  return sql`(
    select case when given.list is not null then array(select json_array_elements_text(given.list)) end
    from (select ${param(name, 'json')} as list) as given)::text[]`
}

/** Parameters that are lists of equal length, as rows; nulls stay. */
export function zipped(...names: string[]): SQL {
  const lists = names.map((name) => sql`json_array_elements_text(${param(name, 'json')})`)
  return sql`rows from (${sql.join(lists, sql`, `)})`
}

/** Whether a text is among the list of a parameter. */
export function isAmong(text: SQLWrapper, name: string): SQL {
  return sql`${text} = any (array(select json_array_elements_text(${param(name, 'json')})))`
}

/** A parameter of milliseconds as an interval. */
export const milliseconds = (name: string): SQL => sql`(${param(name, 'float8')} * interval '1 millisecond')`

/**
 * The deadline of {@link deadlineValues}, by the database's clock; null is never.
 *
 * One that is not in the future becomes the epoch: to a transaction that began earlier, `now()` of this statement would
 * still lie ahead.
 */
export const deadline: SQL = sql`(
  select case when d.deadline <= now() then timestamptz 'epoch' else d.deadline end
  from (select coalesce(${param('at', 'timestamptz')}, now() + ${milliseconds('after')}) as deadline) as d
)`

/** The parameters of {@link deadline}. */
export function deadlineValues(given: Deadline): { at: string | null; after: number | null } {
  return {
    at: given.kind === 'at' ? new Date(given.epochMs).toISOString() : null,
    after: given.kind === 'after' ? Math.max(0, given.ms) : null,
  }
}

/** The snapshot that tagged entries are stored with: the caller's, or this statement's own. */
export const filledAt: SQL = sql`case when given.tags is not null then coalesce(${param('asOf', 'pg_snapshot')}, pg_current_snapshot()) end`

/** What a write sets; everything, so that nothing of an older entry survives. */
const WRITTEN_COLUMNS =
  'key, value, number, expires_at, kept_until, tags, filled_at, compute_ms, created_at, updated_at, written_by'
export const writtenColumns: SQL = sql.raw(WRITTEN_COLUMNS)

/** The last three of {@link writtenColumns}. */
export const asWrittenNow: SQL = sql.raw('now(), now(), pg_current_xact_id()')

/** Sets all of them but the key, and `meta`, which is null unless the entry is a response. */
export const overwrite: SQL = sql.raw(
  `${WRITTEN_COLUMNS}, meta`
    .split(', ')
    .slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', '),
)

/**
 * `kept_until` after a move of the deadline to `next.expires_at`: the distance stays, but a past deadline is final.
 *
 * A deadline without a `kept_until` is that of a value that is kept forever once stale.
 */
export function movedKeptUntil({ entries }: CacheTables): SQL {
  return sql`case
    when next.expires_at <= now() or ${entries.expiresAt} is null then next.expires_at
    else next.expires_at + (${entries.keptUntil} - ${entries.expiresAt})
  end`
}

/** Keys from `from` up to before `to`: a scope, or a prefix in it. */
export function inRange({ key }: { key: PgColumn }): SQL {
  return sql`(${key} >= ${param('from')} and ${key} < ${param('to')})`
}

/** How an entry stands. Its tags are looked at if its deadline is still to come. */
export function stateOf(tables: CacheTables): SQL<EntryState> {
  const { expiresAt } = tables.entries
  return sql<EntryState>`case when ${live(tables)} then 'live' when ${expiresAt} <= now() then 'expired' else 'invalidated' end`
}

/** Bytes that an entry's key and value take in the table, after compression. */
export function storedBytes({ entries }: CacheTables): SQL {
  return sql`pg_column_size(${entries.key}) + coalesce(pg_column_size(${entries.value}), 0) + coalesce(pg_column_size(${entries.number}), 0)`
}

/**
 * Whether an entry, once locked, is still no newer than the statement's own snapshot: what else that showed, such as who
 * computes it, is too old to judge a newer one by. One restored from another cluster may name a writer of the future; that
 * it is older than all that is running tells.
 */
export function isAsSeen({ entries }: CacheTables): SQL {
  return sql`(coalesce(pg_visible_in_snapshot(${entries.writtenBy}, pg_current_snapshot()), true)
    or age(${entries}.xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid))`
}

/** `live`, for statements that lock: they meet rows that were written since their own snapshot, as if from the future. */
export function liveWhenLocked(tables: CacheTables): SQL<boolean> {
  const { expiresAt, tags, filledAt, writtenBy } = tables.entries
  const isRejected = rejected(tables, { tags, filledAt, writtenBy, xmin: sql`${tables.entries}.xmin` })
  return sql<boolean>`((${expiresAt} is null or ${expiresAt} > now()) and not ${isRejected})`
}

/**
 * The snapshot of a running counter that is counted on: this statement's, by which no tag has rejected it.
 *
 * Otherwise a counter that lives long would fall behind the horizon of the trimmed log. One of a snapshot that may be
 * newer, because it was written meanwhile, keeps it.
 */
export function recheckedAt({ entries: { filledAt } }: CacheTables): SQL {
  return sql`case when pg_snapshot_xmax(${filledAt}) < pg_snapshot_xmin(pg_current_snapshot())
    then pg_current_snapshot() else ${filledAt} end`
}
