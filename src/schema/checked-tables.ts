import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { CacheTables } from './index.ts'
import { DEFAULT_NAMING, namesOf, type TableNames } from './table-names.ts'

/**
 * Returns the names of a cache's tables. Default: those of the exported tables.
 *
 * @throws InvalidOptionError if these are not a cache's tables
 */
export function checkedTables(tables: CacheTables | undefined): TableNames {
  if (tables === undefined) return namesOf(DEFAULT_NAMING)
  if (typeof tables === 'object' && tables !== null && 'entries' in tables && 'invalidations' in tables) {
    return namesOf(tables)
  }
  throw new InvalidOptionError(`Expected tables to be a result of cacheTables(), got ${describeType(tables)}.`)
}
