import { type SQL, sql } from 'drizzle-orm'
import { type CacheTables, live } from '../../schema.ts'
import { operation, type QueryDatabase } from '../database.ts'
import { inRange, storedBytes } from './fragments.ts'
import { sample, sampledShare } from './sample.ts'
import type { ScopedOperation } from './scoped.ts'

/** Of a scope so many entries are counted before a sample of the table has to do. */
const COUNTED_ENTRIES = 50_000

export interface Counted {
  readonly total: number
  readonly expired: number
  readonly unexpired: number
  readonly forever: number
  readonly bytes: number
  readonly estimated: boolean
}

/**
 * Counts by state, and bytes. Asks once whether an entry is live, and reads no TOASTed value.
 *
 * Of a large table a sample is looked at and scaled up.
 */
export const stats: ScopedOperation<Counted> = {
  everything: operation('always', (db, tables) => {
    const sampled = sums(db, 'sampled', tables, sql`${tables.entries} ${sample(tables)}`)
    return db
      .with(sampled)
      .select(figures(sql`sampled`, sampledShare(tables), sql`${sampledShare(tables)} < 1`))
      .from(sql`sampled`)
  }),
  range: operation('always', (db, tables) => {
    const { entries } = tables
    const range = inRange(entries)
    const limit = sql.raw(String(COUNTED_ENTRIES + 1))
    const counted = sums(db, 'counted', tables, sql`${entries} where ${range} limit ${limit}`)
    const isMore = sql`(select total from counted) > ${sql.raw(String(COUNTED_ENTRIES))}`
    const sampled = sums(db, 'sampled', tables, sql`${entries} ${sample(tables)} where ${range} and ${isMore}`)
    // A scope that hides in a huge table may be missed by the sample, but is not smaller than what was counted.
    const scale = sql`least(${sampledShare(tables)}, sampled.total / ${limit})`
    const isSampled = sql`${isMore} and (select total from sampled) > 0`
    const chosen = sql`(
      select sampled.*, ${scale} as share, ${isMore} and ${scale} < 1 as estimated from sampled where ${isSampled}
      union all
      select counted.*, 1, ${isMore} from counted where not (${isSampled})
    ) as chosen`
    return db
      .with(counted, sampled)
      .select(figures(sql`chosen`, sql`chosen.share`, sql`chosen.estimated`))
      .from(chosen)
  }),
}

/** @param from the table, and what of it */
function sums(db: QueryDatabase, name: string, tables: CacheTables, from: SQL) {
  const { entries } = tables
  return db.$with(name, {}).as(sql`
    select count(*)::float8 as total, (count(*) filter (where not entry.live))::float8 as expired,
      (count(*) filter (where entry.live and not entry.permanent))::float8 as unexpired,
      (count(*) filter (where entry.live and entry.permanent))::float8 as forever,
      coalesce(sum(entry.bytes), 0)::float8 as bytes
    from (
      select ${live(tables)} as live, ${entries.expiresAt} is null as permanent, ${storedBytes(tables)} as bytes
      from ${from}
    ) as entry`)
}

function figures(from: SQL, share: SQL, estimated: SQL) {
  const scaled = (column: SQL) => sql<number>`round(${from}.${column} / ${share})`
  const [expired, unexpired, forever] = [sql.raw('expired'), sql.raw('unexpired'), sql.raw('forever')].map(scaled) as [
    SQL<number>,
    SQL<number>,
    SQL<number>,
  ]
  return {
    // Of the rounded ones, so that they add up.
    total: sql<number>`${expired} + ${unexpired} + ${forever}`,
    expired,
    unexpired,
    forever,
    bytes: scaled(sql.raw('bytes')),
    estimated: sql<boolean>`${estimated}`,
  }
}
