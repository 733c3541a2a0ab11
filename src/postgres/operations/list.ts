import { type SQL, sql } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { type CacheTables, expired, forever, live } from '../../schema/index.ts'
import { bool, instant, integer, nullable, oneOf, strings, text } from '../kinds.ts'
import { operation, type RowOf } from '../operation.ts'
import { limitOf, param, stateOf, storedBytes } from './fragments.ts'
import { pageOf, withTableNames } from './looked-at.ts'

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

type State = (tables: CacheTables) => SQL

/** True for keys of the scope itself: no unescaped separator follows the scope. */
function isDirect({ entries }: CacheTables): SQL {
  return sql`substr(${entries.key}, ${param('scopeLength', 'int')} + 1) ~ ${sql.raw(String.raw`e'^(\\\\.|[^|\\\\])*$'`)}`
}

/**
 * Lists a page of a range in key order, after the key `after`, without values. With conditions, it looks at a bounded
 * number of entries, and always returns the last of these.
 */
const listOperation = (name: string, ...conditions: State[]) =>
  operation({
    name,
    repeatable: 'always',
    rows: 'any number',
    prefersRoutine: true,
    columns: COLUMNS,
    build(db, tables, answer) {
      const { key, expiresAt, tags, createdAt, updatedAt } = withTableNames(tables.entries)
      const { from, where, orderBy, marks } = pageOf(tables, allOf(...conditions.map((holds) => holds(tables))))
      return answer(db, {
        key,
        state: stateOf(tables),
        expiresAt,
        tags,
        bytes: storedBytes(tables),
        createdAt,
        updatedAt,
        ...marks,
      })
        .from(from)
        .where(where)
        .orderBy(orderBy)
        .limit(limitOf('limit'))
    },
  })

const byState = (name: string, ...conditions: State[]) => ({
  all: listOperation(name, ...conditions),
  live: listOperation(`${name}_live`, ...conditions, live),
  expired: listOperation(`${name}_expired`, ...conditions, expired),
  forever: listOperation(`${name}_forever`, ...conditions, forever),
  invalidated: listOperation(`${name}_invalidated`, ...conditions, (tables) => sql`${stateOf(tables)} = 'invalidated'`),
})

/** The statements by state, with nested scopes and without. */
export const list = { all: byState('list'), direct: byState('list_direct', isDirect) }
