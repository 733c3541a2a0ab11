import type { Cache } from '../cache.ts'
import type { Watchable } from './relation.ts'
import { type RowId, rowTag } from './tags.ts'

/**
 * Invalidates the tag of one row, as a write of the row does if its table is watched with `rows`.
 *
 * @throws InvalidOptionError, DatabaseError
 * @example
 * await invalidateRow(cache, products, 42)
 */
export async function invalidateRow(cache: Pick<Cache, 'invalidate'>, table: Watchable, id: RowId): Promise<void> {
  await cache.invalidate(rowTag(table, id))
}
