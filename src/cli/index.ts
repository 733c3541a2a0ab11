#!/usr/bin/env node
/** The `pgstash` command. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { clearAllCommand } from './clear-all.ts'
import { clearExpiredCommand } from './clear-expired.ts'
import { deleteCommand } from './delete.ts'
import { devCommand } from './dev.ts'
import { doctorCommand } from './doctor.ts'
import { ENV_FILES } from './env-files.ts'
import { exportCommand } from './export.ts'
import { exitCodeOf } from './failing.ts'
import { getCommand } from './get.ts'
import { importCommand } from './import.ts'
import { incrementCommand } from './increment.ts'
import { invalidateCommand } from './invalidate.ts'
import { listCommand } from './list.ts'
import { loadCommand } from './load.ts'
import { migrateCommand } from './migrate.ts'
import { endWithReader, withoutPasswords } from './output.ts'
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
  'Setting up:': [devCommand, migrateCommand, watchCommand, unwatchCommand],
  'Looking:': [statsCommand, listCommand, getCommand, doctorCommand],
  'Changing:': [setCommand, touchCommand, deleteCommand, incrementCommand, invalidateCommand],
  'Trying:': [loadCommand],
  'Moving:': [exportCommand, importCommand],
  'Cleaning:': [clearExpiredCommand, scheduleCommand, clearAllCommand],
}

const program = new Command('pgstash')
  .description('A cache that lives in Postgres and is reached over stateless HTTP.')
  .version(version)
  .showHelpAfterError('(run with --help to see what there is)')
  .configureOutput({ writeErr: (text) => process.stderr.write(withoutPasswords(text)) })
  .exitOverride()
  .addHelpText(
    'after',
    `
First use:
  $ pgstash dev       # a local Neon: no account, no container
  $ pgstash migrate   # create the cache's tables in your database

The database is --database-url, else DATABASE_URL in the environment or in
${ENV_FILES.join(', ')} of this folder. Commands use HTTP if it is at Neon or a local
Neon, or if --endpoint is given; otherwise TCP.

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

/** Commander only knows similar spellings: for `del` it suggests `dev`. @throws UserError */
function suggestCommand(typed: string | undefined): void {
  const names = program.commands.map((command) => command.name())
  if (typed === undefined || !/^\w[\w-]*$/.test(typed) || [...names, 'help'].includes(typed)) return
  const found = suggestCommands(typed, names)
  if (found.length > 0) throw new UserError(`unknown command '${typed}'. Did you mean ${found.join(' or ')}?`)
}

endWithReader()
try {
  suggestCommand(process.argv[2])
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
}
