import { type Condition, isExpired, isForever, isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'
import { bool, instant, integer, nullable, oneOf, strings, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param, stateOf, storedBytes } from './fragments.ts'
import { pageOf } from './looked-at.ts'

/** The most tags shown per entry. Otherwise a page of entries with a hundred tags each would be mostly tags. */
const SHOWN_TAGS = 2

/**
 * Lists a page of entries in key order for the admin pages, after the key `after`, with their states and without
 * values.
 */
const browseOperation = (name: string, state?: Condition) =>
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
    build(tables) {
      const { key, expiresAt, tags, updatedAt, meta } = tables.entries
      const { from, where, orderBy, marks } = pageOf(tables, state?.(tables))
      return {
        select: {
          key,
          state: stateOf(tables),
          expiresAt,
          tags: sql`${tags}[1:${SHOWN_TAGS}]`,
          tagCount: sql`coalesce(cardinality(${tags}), 0)`,
          bytes: storedBytes(tables),
          updatedAt,
          isResponse: sql`${meta} is not null`,
          now: sql`statement_timestamp()`,
          ...marks,
        },
        from: sql`${from} where ${where} order by ${orderBy} limit ${param('limit', 'int')}`,
      }
    },
  })

export const browse = {
  all: browseOperation('browse'),
  live: browseOperation('browse_live', isLive),
  expired: browseOperation('browse_expired', isExpired),
  forever: browseOperation('browse_forever', isForever),
}
