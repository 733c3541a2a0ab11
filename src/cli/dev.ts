/** `pgstash dev` */
import { Command, InvalidArgumentError } from 'commander'
import { type LocalNeon, startLocalNeon } from '../dev/index.ts'
import { migrate } from '../migrate/index.ts'
import { connect } from './connect.ts'

/** Next to Postgres's 5432, and free on most machines. */
const DEFAULT_PORT = 5488

interface Flags {
  port: number
  databaseUrl?: string
  dataDir: string
  migrate: boolean
}

export const devCommand = new Command('dev')
  .description('run a local Neon: its HTTP protocol over an embedded Postgres, or over any real one')
  .option('--port <number>', 'the port of 127.0.0.1; 0 for any that is free', port, DEFAULT_PORT)
  .option('--database-url <url>', 'a real Postgres to stand before, instead of an embedded one')
  .option('--data-dir <folder>', "the embedded Postgres's folder", '.pgstash')
  .option('--no-migrate', "do not create the cache's tables")
  .action(async (flags: Flags) => {
    const { databaseUrl: database } = flags
    // Never by itself: the variable may name production, or be what an earlier run of this command printed.
    if (database === undefined && process.env.DATABASE_URL) {
      process.stderr.write('DATABASE_URL is set and not used: --database-url stands before a Postgres of yours.\n')
    }
    const local = await startLocalNeon(
      database === undefined ? { port: flags.port, dataDir: flags.dataDir } : { port: flags.port, database },
    )
    try {
      if (flags.migrate) {
        const { db } = await connect({ databaseUrl: local.connectionString, endpoint: local.endpoint })
        await migrate(db)
      }
    } catch (error) {
      await local.close()
      throw error
    }
    process.stdout.write(instructions(local, database === undefined ? flags.dataDir : undefined))
    await ended()
    await local.close()
  })

function instructions({ endpoint, connectionString }: LocalNeon, dataDir: string | undefined): string {
  const where =
    dataDir === undefined ? 'the Postgres of --database-url' : `an embedded Postgres, whose data is in ${dataDir}`
  return `A local Neon is running over ${where}. Its password is new at each start, and opens this endpoint only.

  export DATABASE_URL='${connectionString}'
  export NEON_FETCH_ENDPOINT='${endpoint}'

In your code:

  const endpoint = process.env.NEON_FETCH_ENDPOINT
  if (endpoint) neonConfig.fetchEndpoint = () => endpoint

Ctrl-C stops it.
`
}

/** Until the person, or the process's manager, ends it. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
}

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError('Expected 0 to 65535.')
  return value
}
