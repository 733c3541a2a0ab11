/** The commands of `pgstash`, with help and suggestions. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { clearAllCommand } from './clear-all.ts'
import { clearExpiredCommand } from './clear-expired.ts'
import { deleteCommand } from './delete.ts'
import { devCommand } from './dev.ts'
import { doctorCommand } from './doctor.ts'
import { ENV_FILES } from './env-files.ts'
import { exportCommand } from './export.ts'
import { getCommand } from './get.ts'
import { importCommand } from './import.ts'
import { incrementCommand } from './increment.ts'
import { invalidateCommand } from './invalidate.ts'
import { listCommand } from './list.ts'
import { loadCommand } from './load.ts'
import { migrateCommand } from './migrate.ts'
import { withoutPasswords } from './output.ts'
import { scheduleCommand } from './schedule.ts'
import { setCommand } from './set.ts'
import { statsCommand } from './stats.ts'
import { suggestCommands } from './suggest.ts'
import { optionHint } from './suggest-option.ts'
import { touchCommand } from './touch.ts'
import { UserError } from './user-error.ts'
import { unwatchCommand, watchCommand } from './watch.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const GROUPS: Record<string, Command[]> = {
  'Set up:': [devCommand, migrateCommand, watchCommand, unwatchCommand],
  'Inspect:': [statsCommand, listCommand, getCommand, doctorCommand],
  'Change:': [setCommand, touchCommand, deleteCommand, incrementCommand, invalidateCommand],
  'Test:': [loadCommand],
  'Export and import:': [exportCommand, importCommand],
  'Clean up:': [clearExpiredCommand, scheduleCommand, clearAllCommand],
}

export const program = new Command('pgstash')
  .description('Manage a cache that lives in Postgres.')
  .version(version, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print help for the command')
  .helpCommand('help [command]', 'print help for a command')
  .showHelpAfterError('(add --help for commands and options)')
  .configureOutput({ writeErr: (text) => process.stderr.write(withoutPasswords(text)) })
  .exitOverride()
  .addHelpText(
    'after',
    `
First use:
  $ pgstash dev       # run a local Neon: no account, no container
  $ pgstash migrate   # create the cache's tables in your database

Commands use the database of --database-url. Without it, they use DATABASE_URL
from the environment, or from ${ENV_FILES.join(', ')} in this folder.
They use HTTP for Neon, for a local Neon and with --endpoint, otherwise TCP.

Exit codes: 0 done; 1 not found, nothing changed, or doctor findings; 2 wrong
usage or input; 3 the database failed; 130 ended by Ctrl-C.`,
  )

for (const [group, commands] of Object.entries(GROUPS)) {
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program).helpGroup(group))
    const outputError = (message: string, write: (text: string) => void) => {
      const hint = optionHint(command, message)
      write(hint === undefined ? message : `${message}${hint}\n`)
    }
    command.configureOutput({ outputError })
  }
}

/** Runs the command. Commander only suggests similar spellings, and would suggest `dev` for `del`. @throws UserError */
export async function runProgram(args: readonly string[]): Promise<void> {
  const typed = args[0] === 'help' ? args[1] : args[0]
  const names = program.commands.map((command) => command.name())
  const isUnknown = typed !== undefined && /^\w[\w-]*$/.test(typed) && ![...names, 'help'].includes(typed)
  const found = isUnknown ? suggestCommands(typed, names) : []
  if (found.length > 0) throw new UserError(`unknown command '${typed}'. Did you mean ${found.join(' or ')}?`)
  // For an unknown command with `help` or `--help`, Commander would print the general help, as if the command existed.
  await program.parseAsync(isUnknown ? [typed] : args, { from: 'user' })
}
