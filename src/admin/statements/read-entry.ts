import { bool, decimal, instant, integer, nullable, number, oneOf, strings, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { inRange, param, stateOf, storedBytes } from '../../postgres/operations/fragments.ts'
import { sql } from '../../schema/sql.ts'

/** Reads at most this many tags, because each may take half a kilobyte. */
const SHOWN_TAGS = 5

/**
 * Reads an entry, live or not, but only the first `characters` of its value, so that a value of 50 MB does not leave
 * the database. The range limits it to the scope.
 */
export const readEntry = operation({
  name: 'read_entry',
  repeatable: 'always',
  rows: 'at most one',
  columns: {
    state: oneOf('live', 'expired', 'invalidated'),
    value: nullable(text),
    characters: integer,
    valueBytes: integer,
    number: nullable(decimal),
    meta: nullable(text),
    bytes: integer,
    tags: nullable(strings),
    tagCount: integer,
    expiresAt: nullable(instant),
    keptUntil: nullable(instant),
    createdAt: instant,
    updatedAt: instant,
    computeMs: nullable(number),
    leased: bool,
    now: instant,
  },
  build(tables) {
    const { entries, leases } = tables
    const { key, value, tags } = entries
    return {
      select: {
        state: stateOf(tables),
        value: sql`left(${value}, ${param('characters', 'int')})`,
        characters: sql`coalesce(length(${value}), 0)`,
        valueBytes: sql`coalesce(octet_length(${value}), 0)`,
        number: entries.number,
        meta: entries.meta,
        bytes: storedBytes(tables),
        tags: sql`${tags}[1:${SHOWN_TAGS}]`,
        tagCount: sql`coalesce(cardinality(${tags}), 0)`,
        expiresAt: entries.expiresAt,
        keptUntil: entries.keptUntil,
        createdAt: entries.createdAt,
        updatedAt: entries.updatedAt,
        computeMs: entries.computeMs,
        leased: sql`exists (
        select from ${leases} where ${leases.key} = ${key} and ${leases.token} is not null and ${leases.expiresAt} > statement_timestamp())`,
        now: sql`statement_timestamp()`,
      },
      from: sql`${entries} where ${key} = ${param('key')} and ${inRange(entries)}`,
    }
  },
})
