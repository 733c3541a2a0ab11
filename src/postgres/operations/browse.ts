import { type SQL, sql } from 'drizzle-orm'
import { type CacheTables, expired, forever, live } from '../../schema/index.ts'
import { bool, instant, integer, nullable, oneOf, strings, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { limitOf, stateOf, storedBytes } from './fragments.ts'
import { pageOf, withTableNames } from './looked-at.ts'

/** The most tags shown per entry. Otherwise a page of entries with a hundred tags each would be mostly tags. */
const SHOWN_TAGS = 2

/**
 * Lists a page of entries in key order for the admin pages, after the key `after`, with their states and without
 * values.
 */
const browseOperation = (name: string, state?: (tables: CacheTables) => SQL) =>
  operation({
    name,
    repeatable: 'always',
    rows: 'any number',
    prefersRoutine: true,
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
      isFound: bool,
      isEdge: bool,
    },
    build(db, tables, answer) {
      const { key, expiresAt, tags, updatedAt, meta } = withTableNames(tables.entries)
      const { from, where, orderBy, marks } = pageOf(tables, state?.(tables))
      return answer(db, {
        key,
        state: stateOf(tables),
        expiresAt,
        tags: sql`${tags}[1:${sql.raw(String(SHOWN_TAGS))}]`,
        tagCount: sql`coalesce(cardinality(${tags}), 0)`,
        bytes: storedBytes(tables),
        updatedAt,
        isResponse: sql`${meta} is not null`,
        now: sql`statement_timestamp()`,
        ...marks,
      })
        .from(from)
        .where(where)
        .orderBy(orderBy)
        .limit(limitOf('limit'))
    },
  })

export const browse = {
  all: browseOperation('browse'),
  live: browseOperation('browse_live', live),
  expired: browseOperation('browse_expired', expired),
  forever: browseOperation('browse_forever', forever),
}
