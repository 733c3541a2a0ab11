/** Writes to a terminal or a pipe, and ends quietly if the pipe is closed. */
import { once } from 'node:events'
import { EXIT } from './exit-codes.ts'

/** Writes a result to standard output. Waits if the reader is slower, so that memory stays bounded. */
export async function print(content: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(content)) await once(process.stdout, 'drain')
}

/** Writes a message to standard error. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

/**
 * Ends the command when its output cannot be written. A reader that has read enough (`pgstash list | head -1`) is not a
 * failure. A full disk is, and must not exit with 1, as an uncaught error would: 1 means a miss.
 */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit()
      if (stream === process.stdout) note(`pgstash: cannot write to standard output (${error.code}).`)
      process.exit(EXIT.failure)
    })
  }
}

/** Uses colours in a terminal that has them, unless `NO_COLOR` is set. */
export async function colors() {
  const { createColors } = await import('picocolors')
  return createColors(process.stdout.isTTY === true && process.stdout.hasColors())
}

/** Removes passwords, because an error may quote a connection string in the wrong place. A password may hold an `@`. */
export function withoutPasswords(text: string): string {
  return text.replace(/(\w:\/\/[^\s:/@]*:)\S*@/g, '$1…@')
}

/**
 * Control characters that a terminal obeys, and marks that reorder a line. Line ends and tabs are layout, so they stay.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern must match control characters
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Escapes characters that a terminal would obey, as JSON does. */
export function withoutControls(text: string): string {
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
