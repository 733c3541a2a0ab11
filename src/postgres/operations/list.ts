import { and, type SQL, sql } from 'drizzle-orm'
import { type CacheTables, expired, forever, live } from '../../schema.ts'
import { operation } from '../database.ts'
import { epochMs, inRange, param, stateOf, storedBytes } from './fragments.ts'

type State = (tables: CacheTables) => SQL

/** Keys of the scope itself: nothing after the scope is a bare separator. */
function isDirect({ entries }: CacheTables): SQL {
  return sql`substr(${entries.key}, ${param('scopeLength')}::int + 1) ~ ${sql.raw(String.raw`'^(\\.|[^|\\])*$'`)}`
}

/** A page of a range in key order, after the key `after`. No values. */
const listOperation = (...conditions: State[]) =>
  operation('always', (db, tables) => {
    const { key, expiresAt, tags, createdAt, updatedAt } = tables.entries
    return db
      .select({
        key,
        state: stateOf(tables),
        expiresAt: epochMs(expiresAt),
        // As JSON, because drivers differ in how they answer with arrays.
        tags: sql<string | null>`array_to_json(${tags})::text`,
        bytes: sql<number>`(${storedBytes(tables)})::float8`,
        createdAt: epochMs(createdAt),
        updatedAt: epochMs(updatedAt),
      })
      .from(tables.entries)
      .where(
        and(
          inRange(tables.entries),
          sql`${key} > ${param('after')}::text`,
          ...conditions.map((holds) => holds(tables)),
        ),
      )
      .orderBy(key)
      .limit(param('limit'))
  })

const byState = (...conditions: State[]) => ({
  all: listOperation(...conditions),
  live: listOperation(...conditions, live),
  expired: listOperation(...conditions, expired),
  forever: listOperation(...conditions, forever),
})

/** With nested scopes, and without. */
export const list = { all: byState(), direct: byState(isDirect) }
