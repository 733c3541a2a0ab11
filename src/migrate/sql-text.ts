/** Pieces of SQL as text, for `do` blocks: these take no parameters. */
import { getTableName, type Table } from 'drizzle-orm'
import type { CacheTables } from '../schema.ts'

export function qualified(tables: CacheTables, table: Table): string {
  const name = identifier(getTableName(table))
  return tables.schema === undefined ? name : `${identifier(tables.schema)}.${name}`
}

export function regclass(tables: CacheTables, table: Table): string {
  return `to_regclass(${literal(qualified(tables, table))})`
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `E''` form, so that backslashes mean the same whatever `standard_conforming_strings` says. */
export function literal(text: string): string {
  const quoted = text.replaceAll("'", "''")
  return quoted.includes('\\') ? `E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`
}

/** A name may hold anything, the usual dollar quote included. */
export function dollarQuote(body: string): string {
  let quote = '$pgstash$'
  for (let i = 1; body.includes(quote); i++) quote = `$pgstash${i}$`
  return quote
}

export function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

/** A `do` block of declarations and statements. */
export function doBlock(declarations: string, body: string): string {
  const quote = dollarQuote(declarations + body)
  return `do ${quote}\ndeclare\n${indent(declarations)}\nbegin\n${indent(body)}\nend\n${quote};\n`
}
