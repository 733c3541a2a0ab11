/** Some entries of a scope that stand for all, for figures whose time does not grow with the table. */
import { type SQL, sql, type WithSubquery } from 'drizzle-orm'
import { byBytes } from '../../schema/byte-order.ts'
import type { CacheTables } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { entriesOf } from './looked-at.ts'
import { isAtPlaces } from './row-ids.ts'
import { sample, sampledShare } from './sample.ts'

/** Finds up to this many entries of a range by their keys, which reads the index only. */
const WALKED_ENTRIES = 50_000
/** Checks this many entries, some tens of milliseconds. If there are more, the shares of the states deviate by half a percent. */
const CHECKED_ENTRIES = 10_000

const raw = (value: number) => sql.raw(String(value))

export interface SomeEntries {
  /** The other parts refer to these. */
  readonly ctes: readonly WithSubquery[]
  /** A query of these columns of the chosen entries. It computes each column once for each row. */
  rows(columns: SQL): SQL
  /** For how many entries each chosen one stands. @param checked the number of the chosen ones */
  factor(checked: SQL): SQL
  readonly isEstimate: SQL
}

/**
 * Some entries of the whole table, or of a range.
 *
 * Of a large table it draws a sample of the pages. A range is walked along its keys first, because a sample of a large table
 * says little of a small part of it. Then it takes every so many of the entries that it found.
 */
export function someEntries(db: QueryDatabase, tables: CacheTables, range: SQL | undefined): SomeEntries {
  return range === undefined ? ofTable(db, tables) : ofRange(db, tables, range)
}

function ofTable(db: QueryDatabase, tables: CacheTables): SomeEntries {
  const { entries } = tables
  const drawn = db.$with('drawn', {}).as(sql`
    select array(select ${entries}.ctid from ${entries} ${sample(tables)}) as ids, ${sampledShare(tables)} as share`)
  const size = db.$with('size', {}).as(sql`
    select cardinality(drawn.ids) as found, drawn.share, ${stepOf(sql`cardinality(drawn.ids)`)} as step from drawn`)
  return {
    ctes: [drawn, size],
    rows: (columns) => sql`select ${columns} from ${drawnEntries(tables, sql`true`)} offset 0`,
    factor,
    isEstimate: sql`(select size.share < 1 or size.step > 1 from size)`,
  }
}

function ofRange(db: QueryDatabase, tables: CacheTables, range: SQL): SomeEntries {
  const { entries } = tables
  const walked = db.$with('walked', {}).as(sql`
    select array(
      select ${entries.key} from ${entries} where ${range}
      order by ${byBytes(entries.key)} limit ${raw(WALKED_ENTRIES + 1)}) as keys`)
  const hasMore = sql`(select cardinality(walked.keys) from walked) > ${raw(WALKED_ENTRIES)}`
  const drawn = db.$with('drawn', {}).as(sql`
    select array(select ${entries}.ctid from ${entries} ${sample(tables)} where ${range} and ${hasMore}) as ids`)
  // The sample may miss a scope in a huge table, but the scope is not smaller than the walk.
  const size = db.$with('size', {}).as(sql`
    select chosen.*, ${stepOf(sql`chosen.found`)} as step
    from (
      select cardinality(drawn.ids) as found,
        least(${sampledShare(tables)}, cardinality(drawn.ids)::float8 / cardinality(walked.keys)) as share
      from walked, drawn where cardinality(drawn.ids) > 0
      union all
      select cardinality(walked.keys), 1 from walked, drawn where cardinality(drawn.ids) = 0
    ) as chosen`)
  const keys = sql`(select walked.keys from walked, drawn where cardinality(drawn.ids) = 0)`
  return {
    ctes: [walked, drawn, size],
    rows: (columns) => sql`
      (select ${columns} from ${entriesOf(tables, keys)} where looked.place % (select size.step from size) = 0 offset 0)
      union all
      (select ${columns} from ${drawnEntries(tables, range)} offset 0)`,
    factor,
    isEstimate: sql`(select ${hasMore} or size.step > 1 from size)`,
  }
}

/** Every so many of the found entries are checked. */
function stepOf(found: SQL): SQL {
  return sql`greatest(1, ceil(${found}::float8 / ${raw(CHECKED_ENTRIES)}))::int`
}

function factor(checked: SQL): SQL {
  return sql`(select coalesce(size.found / nullif(${checked}, 0), 1) / size.share from size)`
}

/**
 * The entries at every so many of the places that were drawn.
 *
 * @param condition that of the drawing again, because a place can belong to several rows of a partitioned table
 */
function drawnEntries({ entries }: CacheTables, condition: SQL): SQL {
  const places = sql`
    select place.id from drawn, unnest(drawn.ids) with ordinality as place(id, number)
    where place.number % (select size.step from size) = 0`
  return sql`${entries} where ${isAtPlaces(entries, places, condition)}`
}
