/** What a failure says at the terminal, and what the command ends with. */
import { CommanderError } from 'commander'
import { CacheError, type CacheErrorCode } from '../values/errors.ts'
import { EXIT } from './exit-codes.ts'
import { note, withoutPasswords } from './output.ts'
import { UserError } from './user-error.ts'

/** Those that another command line would not meet. */
const MISTAKES: ReadonlySet<CacheErrorCode> = new Set([
  'INVALID_EXPIRATION',
  'INVALID_KEY',
  'INVALID_DELTA',
  'INVALID_OPTION',
  'INVALID_TABLE_NAME',
  'UNSERIALIZABLE_VALUE',
  'VALUE_TOO_LARGE',
])

/** Says what a person can mend in a line; anything else is a defect and shows where. */
export function exitCodeOf(error: unknown): number {
  // Said already; help and version are none.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  if (error instanceof UserError) return said(error, EXIT.usage)
  if (error instanceof CacheError) return said(error, MISTAKES.has(error.code) ? EXIT.usage : EXIT.failure)
  note(withoutPasswords(String(error instanceof Error ? error.stack : error)))
  return EXIT.failure
}

function said(error: Error, code: number): number {
  note(`pgstash: ${error.message}`)
  return code
}
