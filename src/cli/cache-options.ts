/** What all commands take that talk to a database: where it is, and what the cache's tables are called. */
import type { Command } from 'commander'
import { type CacheTables, cacheTables } from '../schema.ts'
import { type Connection, connect } from './connect.ts'

export interface CacheFlags {
  databaseUrl?: string
  endpoint?: string
  schema?: string
  prefix?: string
}

export function withCacheOptions(command: Command): Command {
  return command
    .option('--database-url <url>', 'the database; default: the variable DATABASE_URL')
    .option('--endpoint <url>', 'the HTTP endpoint of a local Neon; default: the variable NEON_FETCH_ENDPOINT')
    .option('--schema <name>', "the Postgres schema of the cache's tables")
    .option('--prefix <name>', "put before each of the cache's tables' names")
}

export function tablesOf({ schema, prefix }: CacheFlags): CacheTables {
  return cacheTables({ ...given({ schema, prefix }) })
}

/** Connects, does the work, and hangs up. @throws UserError */
export async function connected(
  { databaseUrl, endpoint }: CacheFlags,
  work: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await connect(given({ databaseUrl, endpoint }))
  try {
    await work(connection)
  } finally {
    await connection.close()
  }
}

/** Without the fields that were not given. */
export function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
