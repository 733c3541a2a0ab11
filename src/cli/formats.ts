/** Phrases that several commands share. */
import { formatCount } from '../doctor/figures.ts'

export function countEntries(value: number): string {
  return formatCount(value, 'entry', 'entries')
}

/** The one meaning of `--json`. */
export const JSON_HELP = 'print JSON instead of text'

/** The one meaning of `--print-sql`. */
export const PRINT_SQL_HELP = 'print the SQL and change nothing'

/** Formats the examples of a command, for the end of its `--help`. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`
}

/** Quotes a name, if necessary, so that a shell reads it as one word. */
export function shellWord(name: string): string {
  return /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
}
