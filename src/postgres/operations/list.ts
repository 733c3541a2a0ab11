import { type SQL, sql } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { type CacheTables, expired, forever, live } from '../../schema/index.ts'
import { instant, integer, nullable, oneOf, strings, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { inRange, limitOf, param, stateOf, storedBytes } from './fragments.ts'

type State = (tables: CacheTables) => SQL

/** True for keys of the scope itself, because no bare separator follows the scope. */
function isDirect({ entries }: CacheTables): SQL {
  return sql`substr(${entries.key}, ${param('scopeLength', 'int')} + 1) ~ ${sql.raw(String.raw`e'^(\\\\.|[^|\\\\])*$'`)}`
}

/** A page of a range in key order, after the key `after`, without values. */
const listOperation = (name: string, ...conditions: State[]) =>
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
      bytes: integer,
      createdAt: instant,
      updatedAt: instant,
    },
    build(db, tables, answer) {
      const { key, expiresAt, tags, createdAt, updatedAt } = tables.entries
      return answer(db, {
        key,
        state: stateOf(tables),
        expiresAt,
        tags,
        bytes: storedBytes(tables),
        createdAt,
        updatedAt,
      })
        .from(tables.entries)
        .where(
          allOf(inRange(tables.entries), sql`${key} > ${param('after')}`, ...conditions.map((holds) => holds(tables))),
        )
        .orderBy(key)
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
