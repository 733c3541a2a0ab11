/** What a query makes of its rows: two of the same SQL may name their fields otherwise, or read them as other types. */
import { Column, is, SQL, Table } from 'drizzle-orm'

/** Text that differs where the results do; '' of a query that is known by its SQL alone. */
export function shapeOf(query: object): string {
  // Of a relational query: `first` or `many`.
  const mode: unknown = Reflect.get(query, 'mode')
  const fields: unknown = Reflect.get(Object(Reflect.get(query, 'config')), 'fields')
  return `${typeof mode === 'string' ? mode : ''}${fields === undefined ? '' : fieldText(fields)}`
}

function fieldText(field: unknown): string {
  if (is(field, Column)) return field.columnType
  if (is(field, SQL)) return decoderText(Reflect.get(field, 'decoder'))
  if (is(field, SQL.Aliased)) return fieldText(field.sql)
  if (typeof field !== 'object' || field === null) return ''
  // A whole table has more than its columns.
  const entries = Object.entries(field).filter(([, value]) => !is(field, Table) || is(value, Column))
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${fieldText(value)}`).join()}}`
}

/** A function has no name that only it has, but its source. */
function decoderText(decoder: unknown): string {
  if (is(decoder, Column)) return decoder.columnType
  return String(Reflect.get(Object(decoder), 'mapFromDriverValue'))
}
