/** Drizzle's names and expirations of cached queries, and the tables that are never cached. */
import type { CacheConfig } from 'drizzle-orm/cache/core/types'
import type { PostgresEngine } from '../postgres/postgres-store.ts'
import { ownTables as cacheTablesOf } from '../schema/own-tables.ts'
import { shownName } from '../schema/table-names.ts'
import { now } from '../values/clock.ts'
import { type Deadline, parseExpiration } from '../values/expiration.ts'

/**
 * Returns the name of an entry. In Drizzle, a custom tag *is* the key. The prefixes keep tags apart from the hashes of
 * queries.
 */
export function entryName(key: string, isTag: boolean): string {
  return isTag ? `tag:${key}` : `sql:${key}`
}

/** Reads Drizzle's forms of an expiration. `keepTtl` has nothing to keep, because only missing entries are stored. */
export function deadlineOf({ ex, px, exat, pxat }: CacheConfig = {}): Deadline | undefined {
  if (ex !== undefined) return parseExpiration({ seconds: ex }, now())
  if (px !== undefined) return parseExpiration({ milliseconds: px }, now())
  if (exat !== undefined) return parseExpiration(new Date(exat * 1_000), now())
  return pxat === undefined ? undefined : parseExpiration(new Date(pxat), now())
}

/** Returns the cache's own tables, which it must not cache. */
export function ownTables({ store }: PostgresEngine): readonly string[] {
  return cacheTablesOf(store.tables).map((table) => shownName(store.tables, table))
}
