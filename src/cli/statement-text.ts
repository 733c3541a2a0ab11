/** Writes a statement as text with its parameters inlined, for pg_cron, which passes no parameters. */
import { fillPlaceholders } from 'drizzle-orm'
import type { Preparable } from '../postgres/database.ts'
import { literal } from '../schema/sql-text.ts'

/** Also matches quoted text, in order to skip it: the name of a table may contain `$1`. */
const PARAMETER = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\d+)/g

export function statementText(query: Preparable, values: Record<string, unknown>): string {
  const { sql, params } = query.toSQL()
  const filled = fillPlaceholders(params, values)
  return sql.replace(PARAMETER, (text, place?: string) =>
    place === undefined ? text : asSql(filled[Number(place) - 1]),
  )
}

function asSql(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  return typeof value === 'string' ? literal(value) : String(value)
}
