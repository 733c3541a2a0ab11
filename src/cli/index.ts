#!/usr/bin/env node
/** The `pgstash` command. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { CacheError } from '../values/errors.ts'
import { devCommand } from './dev.ts'
import { loadCommand } from './load.ts'
import { migrateCommand } from './migrate.ts'
import { UserError } from './user-error.ts'
import { unwatchCommand, watchCommand } from './watch.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('pgstash')
  .description('A cache that lives in Postgres and is reached over stateless HTTP.')
  .version(version)
  .addCommand(devCommand)
  .addCommand(loadCommand)
  .addCommand(migrateCommand)
  .addCommand(watchCommand)
  .addCommand(unwatchCommand)
  .showHelpAfterError('(pgstash --help lists what there is)')

try {
  await program.parseAsync()
} catch (error) {
  // What a person can mend is one line; anything else is a defect and shows where.
  const known = error instanceof UserError || error instanceof CacheError
  process.stderr.write(known ? `pgstash: ${error.message}\n` : `${error instanceof Error ? error.stack : error}\n`)
  process.exitCode = 1
}
