import { type SQL, sql } from 'drizzle-orm'
import { type CacheTables, live } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { bool, integer } from '../kinds.ts'
import { operation, type RowOf } from '../operation.ts'
import { inRange, storedBytes } from './fragments.ts'
import { sample, sampledShare } from './sample.ts'
import type { ScopedOperation } from './scoped.ts'

/** Counts up to this many entries of a scope. If there are more, it takes a sample of the table. */
const COUNTED_ENTRIES = 50_000

const COLUMNS = {
  total: integer,
  expired: integer,
  unexpired: integer,
  forever: integer,
  bytes: integer,
  estimated: bool,
} as const

export type Counted = RowOf<typeof COLUMNS>

const DECLARED = { name: 'stats', repeatable: 'always', rows: 'one', prefersRoutine: true, columns: COLUMNS } as const

/**
 * Counts entries by state, and adds up their bytes. Checks once per entry whether it is live, and reads no TOASTed value.
 *
 * If the table is large, it reads a sample and scales the figures up.
 */
export const stats: ScopedOperation<Counted> = {
  everything: operation({
    ...DECLARED,
    build(db, tables, answer) {
      const sampled = sums(db, 'sampled', tables, sql`${tables.entries} ${sample(tables)}`, sql`true`)
      const share = sampledShare(tables)
      return answer(db.with(sampled), figures(sql`sampled`, share, sql`${share} < 1`)).from(sql`sampled`)
    },
  }),
  range: operation({
    ...DECLARED,
    name: 'stats_in_range',
    build(db, tables, answer) {
      const { entries } = tables
      const range = inRange(entries)
      const limit = sql.raw(String(COUNTED_ENTRIES + 1))
      const counted = sums(db, 'counted', tables, sql`${entries} where ${range} limit ${limit}`, range)
      const isMore = sql`(select total from counted) > ${sql.raw(String(COUNTED_ENTRIES))}`
      const sampled = sums(db, 'sampled', tables, sql`${entries} ${sample(tables)} where ${range} and ${isMore}`, range)
      // The sample may miss a scope in a huge table, but the scope is not smaller than what was counted.
      const scale = sql`least(${sampledShare(tables)}, sampled.total / ${limit})`
      const isSampled = sql`${isMore} and (select total from sampled) > 0`
      const chosen = sql`(
        select sampled.*, ${scale} as share, ${isMore} and ${scale} < 1 as estimated from sampled where ${isSampled}
        union all
        select counted.*, 1, ${isMore} from counted where not (${isSampled})
      ) as chosen`
      return answer(db.with(counted, sampled), figures(sql`chosen`, sql`chosen.share`, sql`chosen.estimated`)).from(
        chosen,
      )
    },
  }),
}

/**
 * The figures of some entries. It finds them by their place, through an array for which the planner expects ten rows.
 * Otherwise the check of the tags makes the estimate so large that Postgres compiles the statement, for half a second.
 *
 * @param from the table, and the condition or sample that selects rows of it
 * @param condition the condition again, because a place can belong to several rows of a partitioned table
 */
function sums(db: QueryDatabase, name: string, tables: CacheTables, from: SQL, condition: SQL) {
  const { entries } = tables
  return db.$with(name, {}).as(sql`
    select count(*)::float8 as total, (count(*) filter (where not entry.live))::float8 as expired,
      (count(*) filter (where entry.live and not entry.permanent))::float8 as unexpired,
      (count(*) filter (where entry.live and entry.permanent))::float8 as forever,
      coalesce(sum(entry.bytes), 0)::float8 as bytes
    from (
      select ${live(tables)} as live, ${entries.expiresAt} is null as permanent, ${storedBytes(tables)} as bytes
      from ${entries}
      where ${entries}.ctid = any (array(select ${entries}.ctid from ${from})) and ${condition}
    ) as entry`)
}

function figures(from: SQL, share: SQL, estimated: SQL) {
  const scaled = (column: string) => sql`round(${from}.${sql.raw(column)} / ${share})`
  const [expired, unexpired, forever] = [scaled('expired'), scaled('unexpired'), scaled('forever')]
  return {
    // The sum of the rounded figures, so that they add up.
    total: sql`${expired} + ${unexpired} + ${forever}`,
    expired,
    unexpired,
    forever,
    bytes: scaled('bytes'),
    estimated,
  }
}
