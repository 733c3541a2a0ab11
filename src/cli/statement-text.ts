/** Writes a statement as text with its parameters inlined, for pg_cron, which passes no parameters. */
import { mapPieces, type Sql } from '../schema/sql.ts'
import { literal } from '../schema/sql-text.ts'

export function statementText(statement: Sql, values: Record<string, unknown>): string {
  return mapPieces(
    statement,
    (piece) => piece,
    (name) => {
      if (!(name in values)) throw new TypeError(`Expected a value for ${name}.`)
      return asSql(values[name])
    },
  ).join('')
}

function asSql(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  return typeof value === 'string' ? literal(value) : String(value)
}
