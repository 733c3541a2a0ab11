/** Writing to the terminal, to a pipe, or to one that nobody reads any more. */
import { once } from 'node:events'
import { EXIT } from './exit-codes.ts'

/** Standard output: what was asked for. Waits where the reader is slower, so that memory stays bounded. */
export async function print(content: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(content)) await once(process.stdout, 'drain')
}

/** Standard error: all that is said beside it. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

/**
 * `pgstash list | head -1`: who has read enough has not met a failure. A full disk is one, and must not end with the 1 of a
 * miss, which an error that nobody catches would.
 */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit()
      if (stream === process.stdout) note(`pgstash: what was asked for could not be written (${error.code}).`)
      process.exit(EXIT.failure)
    })
  }
}

/** Colours where a person looks, unless `NO_COLOR` or a terminal without colours says otherwise. */
export async function colors() {
  const { createColors } = await import('picocolors')
  return createColors(process.stdout.isTTY === true && process.stdout.hasColors())
}

/** A connection string that was given in the wrong place is repeated without its password, which may hold an `@`. */
export function withoutPasswords(text: string): string {
  return text.replace(/(\w:\/\/[^\s:/@]*:)\S*@/g, '$1…@')
}

/** Controls that a terminal obeys, and marks that reorder a line. Line ends and tabs are layout. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Text for a terminal: with escapes, as JSON writes them, for characters that it would obey. */
export function withoutControls(text: string): string {
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
