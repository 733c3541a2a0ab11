/** `pgstash dev` */
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { type LocalNeon, startLocalNeon } from '../dev/index.ts'
import { openPrivateFolder } from '../dev/private-folder.ts'
import { storedPassword } from '../dev/stored-password.ts'
import { LOCAL_NEON_PORT } from '../local-neon/enable-local-neon.ts'
import { migrate } from '../migrate/index.ts'
import { collect } from './arguments.ts'
import { omitUndefined } from './cache-options.ts'
import { connect } from './connect.ts'
import { parseDatabaseUrl, urlOf } from './database-url.ts'
import { choosePort, savedPort, savePort } from './dev-port.ts'
import { parseEnvFile } from './env-files.ts'
import { examples } from './formats.ts'
import { exitAfter, untilStopped, whenNpmEnds } from './interrupt.ts'
import { note, print } from './output.ts'
import { runCommand } from './run-command.ts'
import { checkSettingsFile, writeSettings } from './settings-file.ts'
import { UserError } from './user-error.ts'

interface Flags {
  port?: number
  databaseUrl?: string
  dataDir: string
  migrate: boolean
  write?: string[]
}

export const devCommand = new Command('dev')
  .description('run a local Neon: no account, no container')
  .argument('[command...]', 'command to run with DATABASE_URL set, after --')
  .option('--port <number>', `listen on this port, 0 for any free one; default: ${LOCAL_NEON_PORT}`, port)
  .option('--database-url <url>', 'use this database; default: an embedded Postgres')
  .option('--data-dir <folder>', 'keep data, password and port in this folder', '.pgstash')
  .option('--write <file>', 'write DATABASE_URL into this file; repeatable', collect)
  .option('--no-migrate', "do not create the cache's tables")
  .addHelpText(
    'after',
    examples(
      'pgstash dev',
      'pgstash dev --write .dev.vars -- wrangler dev',
      'pgstash dev --write .env.local',
      'pgstash dev -- next dev',
    ),
  )
  .action(async (command: string[], flags: Flags) => {
    if (command.length > 0 && !process.argv.includes('--')) {
      throw new UserError('Expected -- before the command, as in: pgstash dev -- wrangler dev')
    }
    const { write = [] } = flags
    for (const file of write) checkSettingsFile(file)
    // Listen from the start: an early Ctrl-C must close everything that has started.
    const [interrupted, orphaned] = [untilStopped(), whenNpmEnds()]
    const stopping = AbortSignal.any([interrupted, orphaned])
    const local = await open(flags)
    try {
      const url = local.connectionString
      if (flags.migrate) await migrate((await connect({ databaseUrl: url, endpoint: local.endpoint })).db)
      for (const file of write) note(`${writeSettings(file, url) ? 'Wrote' : 'Kept'} DATABASE_URL in ${file}.`)
      if (stopping.aborted) return
      if (command.length > 0) process.exitCode = await runWith(command, local, write, orphaned)
      else {
        noteUnused(url, flags)
        await print(instructions(local, flags))
        if (!stopping.aborted) await once(stopping, 'abort')
      }
    } finally {
      await local.close()
      // With a command, its exit code counts instead.
      if (command.length === 0) exitAfter(interrupted)
    }
  })

async function open({ port, dataDir, databaseUrl }: Flags): Promise<LocalNeon> {
  const chosen = port ?? (await choosePort(dataDir))
  // PGlite opens the folder itself. With a real server, the folder holds only the password and the port.
  if (databaseUrl !== undefined) await openPrivateFolder(dataDir)
  const local = await startLocalNeon(
    databaseUrl === undefined
      ? { port: chosen, dataDir }
      : { port: chosen, database: firstServer(databaseUrl), password: await storedPassword(dataDir) },
  )
  if (port === undefined && chosen === 0) note(`Port ${await savedPort(dataDir)} is in use: using ${local.port}.`)
  if (port !== 0) await savePort(dataDir, local.port)
  return local
}

/** Returns the URL of the first server, in the form that every driver reads. @throws UserError */
function firstServer(databaseUrl: string): string {
  const url = parseDatabaseUrl(databaseUrl)
  return urlOf(url, url.addresses[0])
}

function runWith(command: string[], local: LocalNeon, write: string[], orphaned: AbortSignal): Promise<number> {
  const { connectionString: url, port } = local
  note(`A local Neon is running on port ${port}.`)
  if (!write.includes(DEV_VARS) && existsSync(DEV_VARS) && devVarsUrl() !== url) {
    note(`wrangler reads variables only from ${DEV_VARS}, because that file exists: add --write ${DEV_VARS}.`)
  }
  // Wrangler and Cloudflare's Vite plugin pass the environment to the Worker only if this variable is set.
  const variables = { CLOUDFLARE_INCLUDE_PROCESS_ENV: 'true', ...omitUndefined(process.env), DATABASE_URL: url }
  return runCommand(command, variables as Record<string, string>, orphaned)
}

const DEV_VARS = '.dev.vars'

const devVarsUrl = () => parseEnvFile(readFileSync(DEV_VARS, 'utf8')).DATABASE_URL

/**
 * Tells the user that `dev` ignores DATABASE_URL. It may name production, or an earlier run of this command may have
 * printed it.
 */
function noteUnused(url: string, { databaseUrl }: Flags): void {
  const { DATABASE_URL } = process.env
  if (databaseUrl !== undefined || !DATABASE_URL || DATABASE_URL === url) return
  note('DATABASE_URL is set, but not used. To use your own Postgres, pass --database-url.')
}

// Tools that search for imports would take the printed lines for imports of this package.
const FROM = 'from'

function instructions({ connectionString }: LocalNeon, { databaseUrl, dataDir, write = [] }: Flags): string {
  const data = databaseUrl === undefined ? `an embedded Postgres. Its data is in ${dataDir}.` : 'your Postgres.'
  const settings =
    write.length > 0
      ? `This line is in ${write.join(' and ')}:`
      : `Put this line into .dev.vars (Workers), .env.local (Next) or .env, or run with --write <file>:`
  return `A local Neon is running over ${data}
${settings}

DATABASE_URL=${connectionString}

\`createCache.fromEnv()\` needs nothing else. If your code uses Neon's driver, add these lines where it creates the database:

import { neonConfig } ${FROM} '@neondatabase/serverless'
import { enableLocalNeon } ${FROM} 'pgstash'

enableLocalNeon(neonConfig)

Ctrl-C stops it.
`
}

function port(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isInteger(value) && value >= 0 && value <= 65_535) return value
  throw new InvalidArgumentError('Expected 0 to 65535; 0 picks a free port.')
}
