/** `pgstash/drizzle`: tables of your own whose writes invalidate. */
export { invalidateRow } from './invalidate-row.ts'
export type { Watchable } from './relation.ts'
export { type KeyValue, type RowId, rowTag, tableTag } from './tags.ts'
export {
  unwatchAllTables,
  unwatchTables,
  type Watchables,
  type WatchOptions,
  type WatchTablesOptions,
  watchedTables,
  watchTables,
} from './watch.ts'
export type { WatchedTable } from './watched.ts'
