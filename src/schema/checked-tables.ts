import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { CacheTables } from './index.ts'

/** @throws InvalidOptionError if these are not a cache's tables */
export function checkedTables(tables: CacheTables): CacheTables {
  if (typeof tables === 'object' && tables !== null && 'entries' in tables && 'invalidations' in tables) return tables
  throw new InvalidOptionError(`Expected tables to be a result of cacheTables(), got ${describeType(tables)}.`)
}
