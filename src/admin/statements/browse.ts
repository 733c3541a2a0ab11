import { and, type SQL, sql } from 'drizzle-orm'
import { operation } from '../../postgres/database.ts'
import { epochMs, inRange, param, stateOf, storedBytes } from '../../postgres/operations/fragments.ts'
import { type CacheTables, expired, forever, live } from '../../schema.ts'

/** Of an entry's tags; a page of entries with a hundred tags each would be mostly tags. */
const SHOWN_TAGS = 2

/** A page of entries in key order, after the key `after`, and how each stands. No values. */
const browseOperation = (state?: (tables: CacheTables) => SQL) =>
  operation('always', (db, tables) => {
    const { key, expiresAt, tags, updatedAt, meta } = tables.entries
    return db
      .select({
        key,
        state: stateOf(tables),
        expiresAt: epochMs(expiresAt),
        // As JSON, because drivers differ in how they answer with arrays.
        tags: sql<string | null>`array_to_json(${tags}[1:${sql.raw(String(SHOWN_TAGS))}])::text`,
        tagCount: sql<number>`coalesce(cardinality(${tags}), 0)`,
        bytes: sql<number>`(${storedBytes(tables)})::float8`,
        updatedAt: epochMs(updatedAt),
        isResponse: sql<boolean>`${meta} is not null`,
        now: epochMs(sql`now()`),
      })
      .from(tables.entries)
      .where(and(inRange(tables.entries), sql`${key} > ${param('after')}::text`, state?.(tables)))
      .orderBy(key)
      .limit(param('limit'))
  })

export const browse = {
  all: browseOperation(),
  live: browseOperation(live),
  expired: browseOperation(expired),
  forever: browseOperation(forever),
}
