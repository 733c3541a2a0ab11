import { sql } from 'drizzle-orm'
import { operation } from '../../postgres/database.ts'
import { epochMs, inRange, param, stateOf, storedBytes } from '../../postgres/operations/fragments.ts'

/** Of its tags: each may be half a kilobyte. */
const SHOWN_TAGS = 5

/**
 * All of an entry, live or not, but no more of its value than the first `characters`: one of 50 MB does not leave the
 * database. The range keeps it within the scope.
 */
export const readEntry = operation('always', (db, tables) => {
  const { entries, leases } = tables
  const { key, value, number, tags } = entries
  return db
    .select({
      state: stateOf(tables),
      value: sql<string | null>`left(${value}, ${param('characters')}::int)`,
      characters: sql<number>`coalesce(length(${value}), 0)::float8`,
      valueBytes: sql<number>`coalesce(octet_length(${value}), 0)::float8`,
      number: sql<string | null>`${number}::text`,
      meta: entries.meta,
      bytes: sql<number>`(${storedBytes(tables)})::float8`,
      tags: sql<string | null>`array_to_json(${tags}[1:${sql.raw(String(SHOWN_TAGS))}])::text`,
      tagCount: sql<number>`coalesce(cardinality(${tags}), 0)`,
      expiresAt: epochMs(entries.expiresAt),
      keptUntil: epochMs(entries.keptUntil),
      createdAt: epochMs(entries.createdAt),
      updatedAt: epochMs(entries.updatedAt),
      computeMs: entries.computeMs,
      leased: sql<boolean>`exists (
        select from ${leases} where ${leases.key} = ${key} and ${leases.token} is not null and ${leases.expiresAt} > now())`,
      now: epochMs(sql`now()`),
    })
    .from(entries)
    .where(sql`${key} = ${param('key')}::text and ${inRange(entries)}`)
})
