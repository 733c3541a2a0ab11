/** Chooses some entries of a scope to stand for all, so that the time for figures does not grow with the table. */
import { type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { type Cte, cte } from '../operation.ts'
import { walkRange } from './fragments.ts'
import { entriesOf, firstKeys } from './looked-at.ts'
import { isAtPlaces } from './row-ids.ts'
import { sampledShare, selectSample } from './sample.ts'

/** How many entries of a range to find by their keys at most. This reads only the index. */
const WALKED_ENTRIES = 50_000
/**
 * About how many entries to check, which takes some tens of milliseconds. If there are more, the shares of the states
 * deviate by half a percent.
 */
const CHECKED_ENTRIES = 10_000

export interface SomeEntries {
  /** The CTEs to which the other parts refer. */
  readonly ctes: readonly Cte[]
  /** Builds a query of these columns of the chosen entries. It computes each column once for each row. */
  rows(columns: Sql): Sql
  /** Returns the number of entries that each chosen entry stands for. @param checked the number of chosen entries */
  factor(checked: Sql): Sql
  readonly isEstimate: Sql
}

/**
 * Chooses some entries of the whole table, or of a range.
 *
 * For a large table, it draws a sample of the pages. For a range, it first walks along the keys, because a sample of a
 * large table says little about a small part of it. Then it takes one in n of the entries that it found, at random. Every
 * n-th would be wrong if neighbours differ in a regular way, such as a permanent entry and two with a TTL for each user.
 */
export function someEntries(tables: TableNames, range: Sql | undefined): SomeEntries {
  return range === undefined ? ofTable(tables) : ofRange(tables, range)
}

function ofTable(tables: TableNames): SomeEntries {
  const { entries } = tables
  const drawn = cte('drawn')`
    select array(${selectSample(tables, sql`${entries}.ctid`, sql`true`, sql`true`)}) as ids, ${sampledShare(tables)} as share`
  const size = cte('size')`
    select cardinality(drawn.ids) as found, drawn.share, ${oneIn(sql`cardinality(drawn.ids)`)} as one_in from drawn`
  return {
    ctes: [drawn, size],
    rows: (columns) => sql`select ${columns} from ${drawnEntries(tables, sql`true`)} offset 0`,
    factor,
    isEstimate: sql`(select size.share < 1 or size.one_in > 1 from size)`,
  }
}

function ofRange(tables: TableNames, range: Sql): SomeEntries {
  const { entries } = tables
  const walked = cte('walked')`
    select ${firstKeys(tables, walkRange(entries), WALKED_ENTRIES + 1)} as keys`
  const hasMore = sql`(select cardinality(walked.keys) from walked) > ${WALKED_ENTRIES}`
  const drawn = cte('drawn')`
    select array(${selectSample(tables, sql`${entries}.ctid`, range, hasMore)}) as ids`
  // In a huge table, the sample may hold too few entries of the scope. So bound the share: the scope has at least as
  // many entries as the walk found.
  const size = cte('size')`
    select chosen.*, ${oneIn(sql`chosen.found`)} as one_in
    from (
      select cardinality(drawn.ids) as found,
        least(${sampledShare(tables)}, cardinality(drawn.ids)::float8 / cardinality(walked.keys)) as share
      from walked, drawn where cardinality(drawn.ids) > 0
      union all
      select cardinality(walked.keys), 1 from walked, drawn where cardinality(drawn.ids) = 0
    ) as chosen`
  const keys = sql`array(
    select walk.key from walked, drawn, unnest(walked.keys) as walk(key)
    where cardinality(drawn.ids) = 0 and ${isChosen})`
  return {
    ctes: [walked, drawn, size],
    rows: (columns) => sql`
      (select ${columns} from ${entriesOf(tables, keys)} offset 0)
      union all
      (select ${columns} from ${drawnEntries(tables, range)} offset 0)`,
    factor,
    isEstimate: sql`(select ${hasMore} or size.one_in > 1 from size)`,
  }
}

/** Returns n, if one in n of the found entries is to be checked. */
function oneIn(found: Sql): Sql {
  return sql`greatest(1, ceil(${found}::float8 / ${CHECKED_ENTRIES}))::int`
}

/** True for one in n rows, at random; for all if n is 1. */
const isChosen = sql`random() * (select size.one_in from size) < 1`

function factor(checked: Sql): Sql {
  return sql`(select coalesce(size.found / nullif(${checked}, 0), 1) / size.share from size)`
}

/**
 * Selects the entries at some of the drawn places.
 *
 * @param condition the condition of the draw again, because a place can belong to several rows of a partitioned table
 */
function drawnEntries({ entries }: TableNames, condition: Sql): Sql {
  const places = sql`
    select place.id from drawn, unnest(drawn.ids) as place(id) where ${isChosen}`
  return sql`${entries} where ${isAtPlaces(entries, places, condition)}`
}
