/** Documents name tests as their proof; this tells whether a test is there. */
import { existsSync, readFileSync } from 'node:fs'

/** Whether `file` has a test, or a table of tests, with that name; placeholders stand in it as in the source. */
export function hasTest(file: URL, name: string): boolean {
  // Sources escape quotes.
  return existsSync(file) && readFileSync(file, 'utf8').replaceAll("\\'", "'").includes(name)
}
