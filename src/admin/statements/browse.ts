import { and, type SQL, sql } from 'drizzle-orm'
import { bool, instant, integer, nullable, oneOf, strings, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { inRange, limitOf, param, stateOf, storedBytes } from '../../postgres/operations/fragments.ts'
import { type CacheTables, expired, forever, live } from '../../schema/index.ts'

/** Of an entry's tags; a page of entries with a hundred tags each would be mostly tags. */
const SHOWN_TAGS = 2

/** A page of entries in key order, after the key `after`, and how each stands. No values. */
const browseOperation = (state?: (tables: CacheTables) => SQL) =>
  operation({
    name: 'browse',
    repeatable: 'always',
    rows: 'any number',
    columns: {
      key: text,
      state: oneOf('live', 'expired', 'invalidated'),
      expiresAt: nullable(instant),
      tags: nullable(strings),
      tagCount: integer,
      bytes: integer,
      updatedAt: instant,
      isResponse: bool,
      now: instant,
    },
    build(db, tables, answer) {
      const { key, expiresAt, tags, updatedAt, meta } = tables.entries
      return answer(db, {
        key,
        state: stateOf(tables),
        expiresAt,
        tags: sql`${tags}[1:${sql.raw(String(SHOWN_TAGS))}]`,
        tagCount: sql`coalesce(cardinality(${tags}), 0)`,
        bytes: storedBytes(tables),
        updatedAt,
        isResponse: sql`${meta} is not null`,
        now: sql`now()`,
      })
        .from(tables.entries)
        .where(and(inRange(tables.entries), sql`${key} > ${param('after')}`, state?.(tables)))
        .orderBy(key)
        .limit(limitOf('limit'))
    },
  })

export const browse = {
  all: browseOperation(),
  live: browseOperation(live),
  expired: browseOperation(expired),
  forever: browseOperation(forever),
}
