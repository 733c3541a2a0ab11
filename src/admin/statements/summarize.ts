import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { regclass } from '../../migrate/sql-text.ts'
import { epochMs, param, storedBytes } from '../../postgres/operations/fragments.ts'
import { scopedOperation } from '../../postgres/operations/scoped.ts'
import { type CacheTables, live } from '../../schema.ts'

/** 40 MB: what is larger is sampled, so that the overview of a hundred million entries costs what that of many thousands does. */
const MAX_PAGES = 5_000
/** What is counted of the log: beyond, an exact number says no more. */
export const MAX_LOG_ROWS = 10_000
const MAX_NAMESPACES = 10
const MAX_FILLS = 8

/** Seconds to the deadline at which the columns of the timeline begin, but for the first. */
export const EXPIRY_STEPS_S = [60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000] as const
/** Bytes at which the columns of the size distribution begin, but for the first. */
export const SIZE_STEPS = [64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576] as const
/** In the timeline, beside the numbers of its steps. */
export const EXPIRED = -1
export const NEVER_EXPIRES = -2

/**
 * All that the overview tells of the entries: one scan, of a sample of whole pages where the table is large. It reads no
 * TOASTed value. Counts are those of the sample, and `percent` is how much of the table that was.
 */
export const summarize = scopedOperation('always', (db, tables, range) => {
  const share = db.$with('share', {}).as(shareOf(tables))
  const sample = db.$with('sample', {}).as(sampleOf(tables, range))
  return db
    .with(share, sample)
    .select({
      percent: sql<number>`(select share.percent from share)`,
      total: sql<number>`count(*)::float8`,
      live: sql<number>`(count(*) filter (where sample.live))::float8`,
      forever: sql<number>`(count(*) filter (where sample.step = ${sql.raw(String(NEVER_EXPIRES))}))::float8`,
      bytes: sql<number>`coalesce(sum(sample.bytes), 0)::float8`,
      namespaces: list(sql`
        select sample.name, count(*) as entries, sum(sample.bytes) as bytes
        from sample group by sample.name order by bytes desc limit ${sql.raw(String(MAX_NAMESPACES))}`),
      expiry: list(sql`select sample.step, count(*) as entries from sample group by sample.step`),
      sizes: list(sql`select sample.size, count(*) as entries from sample group by sample.size`),
      slowest: list(sql`
        select sample.key, sample.compute_ms as "computeMs" from sample
        where sample.compute_ms is not null order by sample.compute_ms desc limit ${sql.raw(String(MAX_FILLS))}`),
      logRows: sql<number>`(
        select count(*)::float8 from (select from ${tables.invalidations} limit ${sql.raw(String(MAX_LOG_ROWS))}) as log)`,
      now: epochMs(sql`now()`),
    })
    .from(sql`sample`)
})

/** How much of the table is read, by its size on disk, which is always known. */
function shareOf(tables: CacheTables): SQL {
  const size = sql.raw(`pg_relation_size(${regclass(tables, tables.entries)})`)
  return sql`select least(100, ${sql.raw(String(100 * MAX_PAGES))} * current_setting('block_size')::float8
    / greatest(1, ${size})) as percent`
}

function sampleOf(tables: CacheTables, range: SQL | undefined): SQL {
  const { entries } = tables
  const untilDeadline = sql`extract(epoch from entry.expires_at - now())::float8`
  return sql`
    select entry.*, width_bucket(entry.bytes, array[${sql.raw(SIZE_STEPS.join(', '))}]::int[]) as size,
      case
        when not entry.live then ${sql.raw(String(EXPIRED))}
        when entry.expires_at is null then ${sql.raw(String(NEVER_EXPIRES))}
        else width_bucket(${untilDeadline}, array[${sql.raw(EXPIRY_STEPS_S.join(', '))}]::float8[])
      end as step
    from (
      select ${entries.key}, ${firstName(entries.key)} as name, (${storedBytes(tables)})::int as bytes,
        ${live(tables)} as live, ${entries.expiresAt}, ${entries.computeMs}
      from ${entries} tablesample system ((select share.percent::float4 from share))
      ${range ? sql`where ${range}` : sql``}
    ) as entry`
}

/** The first name of a key's path below the scope, as it is stored; null where the key is the scope's own. */
function firstName(key: PgColumn): SQL {
  const pattern = sql.raw(String.raw`'^((?:\\.|[^|\\])*)\|'`)
  return sql`substring(substr(${key}, ${param('scopeLength')}::int + 1) from ${pattern})`
}

/** Rows as a JSON list, because drivers differ in how they answer with anything but texts and numbers. */
function list(rows: SQL): SQL<string> {
  return sql<string>`(select coalesce(json_agg(row_to_json(item)), '[]')::text from (${rows}) as item)`
}
