/** The commands that a person may have meant. */

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
 * Commands that begin with what was typed, or else those that go by this name in other products.
 *
 * The list is empty if there are none. The caller then compares spellings.
 */
export function suggestCommands(typed: string, commands: readonly string[]): string[] {
  const name = typed.toLowerCase()
  const begun = commands.filter((command) => command.startsWith(name))
  if (begun.length === 1) return begun
  const meant = commands.filter((command) => OTHER_NAMES[command]?.includes(name))
  return meant.length > 0 ? meant : begun.length <= MOST ? begun : []
}

/** More would be a list of commands, which `--help` shows better. */
const MOST = 3
