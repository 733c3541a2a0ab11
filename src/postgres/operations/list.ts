import { and, type SQL, sql } from 'drizzle-orm'
import { type CacheTables, expired, forever, live } from '../../schema.ts'
import { operation } from '../database.ts'
import { epochMs, inRange, param, storedBytes } from './fragments.ts'

/** A page of a range in key order, after the key `after`. No values. */
const listOperation = (state?: (tables: CacheTables) => SQL) =>
  operation('always', (db, tables) => {
    const { key, expiresAt, tags, createdAt, updatedAt } = tables.entries
    return db
      .select({
        key,
        expiresAt: epochMs(expiresAt),
        // As JSON, because drivers differ in how they answer with arrays.
        tags: sql<string | null>`array_to_json(${tags})::text`,
        bytes: sql<number>`(${storedBytes(tables)})::float8`,
        createdAt: epochMs(createdAt),
        updatedAt: epochMs(updatedAt),
      })
      .from(tables.entries)
      .where(and(inRange(tables), sql`${key} > ${param('after')}::text`, state?.(tables)))
      .orderBy(key)
      .limit(param('limit'))
  })

export const list = {
  all: listOperation(),
  live: listOperation(live),
  expired: listOperation(expired),
  forever: listOperation(forever),
}
