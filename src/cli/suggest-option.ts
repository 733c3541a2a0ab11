/** Suggests the option that other tools call by the typed name. Commander suggests only similar spellings. */
import type { Command } from 'commander'

/** Names that other tools use, without dashes. */
const OTHER_NAMES: Record<string, readonly string[]> = {
  '--expiration': ['ttl', 'ex', 'px', 'expire', 'expires', 'expires-in', 'expiry', 'max-age', 'deadline', 'exp'],
  '--tags': ['label', 'labels', 'cache-tag', 'cache-tags'],
  '--by': ['delta', 'amount', 'step'],
  '--namespace': ['ns', 'n', 'bucket'],
  '--prefix': ['match', 'pattern', 'filter', 'key'],
  '--limit': ['count', 'max', 'top', 'head'],
  '--state': ['status', 'expired', 'live', 'stale'],
  '--database-url': ['url', 'db', 'database', 'dsn', 'connection-string', 'uri', 'd', 'h', 'host'],
  '--dotenv': ['env', 'envfile'],
  '--schema': ['search-path'],
  '--json': ['format', 'output', 'o'],
  '--yes': ['y', 'force', 'f', 'no-confirm', 'confirm'],
  '--headers': ['include', 'i', 'head'],
  '--every': ['interval', 'period', 'sleep'],
  '--time-budget': ['timeout', 'max-time'],
  '--batch': ['batch-size', 'chunk'],
  '--print-sql': ['dry-run', 'sql', 'show-sql'],
  '--write': ['env-out', 'save'],
  '--port': ['p'],
}

/**
 * Returns a hint to add to Commander's error, if the typed name is another tool's name for an option of this command.
 */
export function optionHint(command: Command, message: string): string | undefined {
  const [, typed] = /unknown option '--?([^'=]+)/.exec(message) ?? []
  if (typed === undefined || message.includes('Did you mean')) return undefined
  const options = command.options.filter(({ hidden }) => !hidden)
  const meant = options.find(({ long }) => OTHER_NAMES[long ?? '']?.includes(typed.toLowerCase()))
  return meant && `(Did you mean ${meant.flags}?)`
}
