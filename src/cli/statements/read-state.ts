import { bool, instant, nullable } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { param } from '../../postgres/operations/fragments.ts'
import { rejected } from '../../schema/rejected.ts'
import { sql } from '../../schema/sql.ts'

/** Reads why an entry is a miss. Also finds entries that are not live. */
export const readState = operation({
  name: 'read_state',
  repeatable: 'always',
  rows: 'at most one',
  columns: { expiresAt: nullable(instant), keptUntil: nullable(instant), isKept: bool, isInvalidated: bool },
  build: (tables) => {
    const { entries } = tables
    return {
      select: {
        expiresAt: entries.expiresAt,
        keptUntil: entries.keptUntil,
        isKept: sql`${entries.keptUntil} is null or ${entries.keptUntil} > statement_timestamp()`,
        isInvalidated: rejected(tables, entries),
      },
      from: sql`${entries} where ${entries.key} = ${param('key')}`,
    }
  },
})
