/** The docs cite tests as proof. This checks whether a test exists. */
import { existsSync, readFileSync } from 'node:fs'

/** True if `file` has a test, or a table of tests, with that name. Placeholders are written as in the source. */
export function hasTest(file: URL, name: string): boolean {
  // Sources escape quotes.
  return existsSync(file) && readFileSync(file, 'utf8').replaceAll("\\'", "'").includes(name)
}
