/** Prints a failure on the terminal and chooses the exit code. */
import { CommanderError } from 'commander'
import { CacheError, type CacheErrorCode } from '../values/errors.ts'
import { EXIT } from './exit-codes.ts'
import { note, withoutPasswords } from './output.ts'
import { UserError } from './user-error.ts'

/** Errors that a different command line would avoid. */
const MISTAKES: ReadonlySet<CacheErrorCode> = new Set([
  'INVALID_EXPIRATION',
  'INVALID_KEY',
  'INVALID_DELTA',
  'INVALID_OPTION',
  'INVALID_TABLE_NAME',
  'UNSERIALIZABLE_VALUE',
  'VALUE_TOO_LARGE',
])

/**
 * Prints errors that the user can fix as one line. Any other error is a bug in this command, so it prints the stack.
 */
export function exitCodeOf(error: unknown): number {
  // Commander has already printed the message. It also throws for --help and --version, which are not failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  if (error instanceof UserError) return report(error, EXIT.usage)
  if (error instanceof CacheError) return report(error, MISTAKES.has(error.code) ? EXIT.usage : EXIT.failure)
  note(withoutPasswords(String(error instanceof Error ? error.stack : error)))
  return EXIT.failure
}

function report(error: Error, code: number): number {
  note(`pgstash: ${error.message}`)
  return code
}
