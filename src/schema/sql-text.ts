/** Pieces of SQL as text, for `do` blocks: these take no parameters. */
import { getTableName, type Table } from 'drizzle-orm'
import type { CacheTables } from './index.ts'

export function qualified(tables: Pick<CacheTables, 'schema'>, table: Table): string {
  const name = identifier(getTableName(table))
  return tables.schema === undefined ? name : `${identifier(tables.schema)}.${name}`
}

/** Looked up on the search path where the table has no schema. */
export function regclass(tables: CacheTables, table: Table): string {
  return `pg_catalog.to_regclass(${literal(qualified(tables, table))})`
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
  // With a `$` behind it, a `$` at the end of the text would end the quote early: so the tag is looked for without.
  for (let i = 1; body.includes(quote.slice(0, -1)); i++) quote = `$pgstash${i}$`
  return quote
}

/** A text as it stands, for people to read. */
export function dollarQuoted(text: string): string {
  const quote = dollarQuote(text)
  return `${quote}${text}${quote}`
}

/** A `do` block of declarations and statements. Not indented: a name may hold a line break, which would then be another. */
export function doBlock(declarations: string, body: string): string {
  const quote = dollarQuote(declarations + body)
  return `do ${quote}\ndeclare\n${declarations}\nbegin\n${body}\nend\n${quote};\n`
}

/** A text of SQL in which `format` finds nothing to replace. */
export function verbatim(text: string): string {
  return text.replaceAll('%', '%%')
}

/**
 * A `do` block that resolves names in `pg_catalog` only, and leaves the session's settings as they were.
 *
 * On a search path, a role that may create functions and operators could plant closer matches for the ones used here. They
 * would run with the rights of the role that migrates. So the body names everything else with its schema. The declarations
 * still see the caller's path: there, qualify each type and function, and use no operator. So do the steps in `first`.
 */
export function guardedBlock(declarations: string, body: string, first = ''): string {
  return doBlock(
    `caller_path pg_catalog.text := pg_catalog.current_setting('search_path');
caller_messages pg_catalog.text := pg_catalog.current_setting('client_min_messages');
${declarations}`,
    `${first}perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
perform set_config('client_min_messages', 'warning', true);
${body}
-- In a transaction of the caller's, local settings would outlive this block.
perform set_config('search_path', caller_path, true);
perform set_config('client_min_messages', caller_messages, true);`,
  )
}
