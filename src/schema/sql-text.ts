/** Writes names, constants and `do` blocks as SQL text. */

/** Quotes a name. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Quotes a string. With backslashes it gets the form `E''`, so that they mean the same under any
 * `standard_conforming_strings`.
 */
export function literal(text: string): string {
  const quoted = text.replaceAll("'", "''")
  return quoted.includes('\\') ? `E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`
}

/**
 * Returns a dollar quote that does not occur in the body. A name in the body may contain anything, even the usual
 * quote.
 */
export function dollarQuote(body: string): string {
  let quote = '$pgstash$'
  // Search without the last `$`, because a `$` at the end of the text would complete the quote.
  for (let i = 1; body.includes(quote.slice(0, -1)); i++) quote = `$pgstash${i}$`
  return quote
}

/** Puts a text in dollar quotes, unescaped, so that people can read it. */
export function dollarQuoted(text: string): string {
  const quote = dollarQuote(text)
  return `${quote}${text}${quote}`
}

/**
 * Builds a `do` block of declarations and statements. It is not indented, because that would change a name that
 * contains a line break.
 */
export function doBlock(declarations: string, body: string): string {
  const quote = dollarQuote(declarations + body)
  return `do ${quote}\ndeclare\n${declarations}\nbegin\n${body}\nend\n${quote};\n`
}

/** Escapes SQL, so that `format` replaces nothing in it. */
export function escapeFormat(text: string): string {
  return text.replaceAll('%', '%%')
}

/**
 * Builds a `do` block that resolves names in `pg_catalog` only, and leaves the session's settings as they were.
 *
 * A role that may create functions and operators on a search path could plant closer matches for those used here. The
 * planted code would run with the rights of the role that migrates. So the body names everything outside of
 * `pg_catalog` with its schema. The declarations, and the steps in `first`, still see the caller's path: qualify each
 * type and function there, and use no operator.
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
