import { type Condition, isExpired, isForever, isLive } from '../../schema/conditions.ts'
import { join, raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { bool, instant, integer, nullable, oneOf, strings, text } from '../kinds.ts'
import { operation, type RowOf } from '../operation.ts'
import { param, stateOf, storedBytes } from './fragments.ts'
import { pageOf } from './looked-at.ts'

const COLUMNS = {
  key: text,
  state: oneOf('live', 'expired', 'invalidated'),
  expiresAt: nullable(instant),
  tags: nullable(strings),
  bytes: integer,
  createdAt: instant,
  updatedAt: instant,
  isFound: bool,
  isEdge: bool,
} as const

export type Listed = RowOf<typeof COLUMNS>

/** True for keys of the scope itself: no unescaped separator follows the scope. */
function isDirect({ entries }: TableNames): Sql {
  return sql`substr(${entries.key}, ${param('scopeLength', 'int')} + 1) ~ ${raw(String.raw`e'^(\\\\.|[^|\\\\])*$'`)}`
}

/**
 * Lists a page of a range in key order, after the key `after`, without values. With conditions, it looks at a bounded
 * number of entries, and always returns the last of these.
 */
const listOperation = (name: string, ...conditions: Condition[]) =>
  operation({
    name,
    repeatable: 'always',
    rows: 'any number',
    prefersRoutine: true,
    columns: COLUMNS,
    build(tables) {
      const { key, expiresAt, tags, createdAt, updatedAt } = tables.entries
      const all = conditions.map((holds) => holds(tables))
      const { from, where, orderBy, marks } = pageOf(tables, all.length > 0 ? join(all, ' and ') : undefined)
      return {
        select: {
          key,
          state: stateOf(tables),
          expiresAt,
          tags,
          bytes: storedBytes(tables),
          createdAt,
          updatedAt,
          ...marks,
        },
        from: sql`${from} where ${where} order by ${orderBy} limit ${param('limit', 'int')}`,
      }
    },
  })

const byState = (name: string, ...conditions: Condition[]) => ({
  all: listOperation(name, ...conditions),
  live: listOperation(`${name}_live`, ...conditions, isLive),
  expired: listOperation(`${name}_expired`, ...conditions, isExpired),
  forever: listOperation(`${name}_forever`, ...conditions, isForever),
  invalidated: listOperation(`${name}_invalidated`, ...conditions, (tables) => sql`${stateOf(tables)} = 'invalidated'`),
})

/** The statements by state, with nested scopes and without. */
export const list = { all: byState('list'), direct: byState('list_direct', isDirect) }
