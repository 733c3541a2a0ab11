/** Suggests commands for an unknown one. */

/** Names that other tools use. */
const OTHER_NAMES: Record<string, readonly string[]> = {
  'clear-all': ['flush', 'flushall', 'flushdb', 'purge', 'reset', 'truncate', 'wipe', 'empty'],
  'clear-expired': ['cleanup', 'clean', 'gc', 'prune', 'sweep', 'vacuum'],
  delete: ['rm', 'remove', 'unlink', 'unset', 'drop', 'forget'],
  dev: ['start', 'serve', 'server', 'local', 'run', 'up'],
  doctor: ['check', 'diagnose', 'health', 'ping', 'test', 'verify'],
  export: ['dump', 'backup', 'save'],
  get: ['cat', 'read', 'show', 'fetch', 'has', 'exists'],
  import: ['restore'],
  increment: ['incr', 'incrby', 'decr', 'decrement', 'add', 'count'],
  invalidate: ['purge', 'revalidate', 'tag', 'tags', 'ban', 'bust'],
  list: ['ls', 'keys', 'scan', 'find', 'ttl'],
  load: ['bench', 'benchmark', 'stress'],
  migrate: ['init', 'install', 'setup', 'create', 'push', 'upgrade'],
  schedule: ['cron', 'job'],
  set: ['put', 'write', 'store'],
  stats: ['info', 'status', 'size', 'usage', 'top'],
  touch: ['expire', 'persist', 'extend'],
}

/**
 * Returns the commands that start with the typed text, otherwise those that other products call by this name.
 *
 * If the list is empty, the caller compares spellings.
 */
export function suggestCommands(typed: string, commands: readonly string[]): string[] {
  const name = typed.toLowerCase()
  const begun = commands.filter((command) => command.startsWith(name))
  if (begun.length === 1) return begun
  const meant = commands.filter((command) => OTHER_NAMES[command]?.includes(name))
  return meant.length > 0 ? meant : begun.length <= MOST ? begun : []
}

/** For more commands than this, `--help` shows a better list. */
const MOST = 3
