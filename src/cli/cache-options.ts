/** Options that commands share: the database, the names of the cache's tables, and the namespace. */
import { type Command, Option } from 'commander'
import type { Cache } from '../cache.ts'
import { compressingCodec } from '../codecs/compressing-codec.ts'
import { createCache } from '../postgres/create-cache.ts'
import { createRunner, type Runner } from '../postgres/runner.ts'
import { type CacheTables, cacheTables } from '../schema/index.ts'
import { namesOf } from '../schema/table-names.ts'
import { type Codec, jsonCodec } from '../values/codec.ts'
import { nestedScope, ROOT, type Scope } from '../values/key.ts'
import { collect } from './arguments.ts'
import { type Connection, connect } from './connect.ts'
import { loadEnvFiles } from './env-files.ts'
import { withSearchPath } from './search-path.ts'
import { UserError } from './user-error.ts'

/** Longer than for a request, because a person or a script can wait. */
const TIMEOUT_MS = 60_000

export interface TableFlags {
  databaseUrl?: string
  endpoint?: string
  dotenv?: string
  schema?: string
  tablePrefix?: string
}

export interface CacheFlags extends TableFlags {
  namespace?: string[]
}

/** A cache with its connection, tables and runner. */
export interface Place extends Connection {
  readonly cache: Cache
  readonly scope: Scope
  readonly tables: CacheTables
  readonly runner: Runner
}

export function withTableOptions(command: Command): Command {
  command
    .option('--database-url <url>', 'use this database; default: DATABASE_URL')
    .option('--endpoint <url>', 'use this HTTP endpoint; default: NEON_FETCH_ENDPOINT')
    // Not `--env-file`: Node 20 treats it as its own option, even after the name of the script.
    .option('--dotenv <file>', 'read this file, not .env.local, .dev.vars, .env')
    .option('--schema <name>', "use this Postgres schema for the cache's tables")
    .option('--table-prefix <name>', "use this prefix for the cache's table names")
    .hook('preAction', (running) => loadEnvFiles(running.opts<TableFlags>().dotenv))
  // In `list`, --prefix selects keys, so it cannot be an alias of --table-prefix elsewhere: one name, one meaning.
  if (command.name() !== 'list') command.addOption(refusedOption('--prefix <name>', '--table-prefix'))
  return command
}

/** A hidden option that fails with the name of the right one. */
function refusedOption(flags: string, instead: string): Option {
  return new Option(flags).hideHelp().argParser(() => {
    throw new UserError(`Expected ${instead} for table names: --prefix selects keys, in \`pgstash list\` only.`)
  })
}

export function withCacheOptions(command: Command): Command {
  return withTableOptions(command).option('--namespace <name>', 'use this namespace; repeat for a nested one', collect)
}

export function tablesOf({ schema, tablePrefix }: TableFlags): CacheTables {
  return cacheTables({ ...omitUndefined({ schema, prefix: tablePrefix }) })
}

/** Connects, does the work, and closes the connection. @throws UserError, CacheError */
export async function withConnection(
  { databaseUrl, endpoint, schema }: Pick<TableFlags, 'databaseUrl' | 'endpoint' | 'schema'>,
  work: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await connect(omitUndefined({ databaseUrl, endpoint }))
  try {
    await work(connection)
  } catch (error) {
    throw schema === undefined ? await withSearchPath(error, connection.db) : error
  } finally {
    await connection.close()
  }
}

/** Like `withConnection`, but also creates a cache for the work. @throws UserError, CacheError */
export async function withCache(
  { databaseUrl, endpoint, schema, tablePrefix, namespace = [] }: CacheFlags,
  work: (place: Place) => Promise<void>,
  codec = readingCodec(),
): Promise<void> {
  const tables = tablesOf({ ...omitUndefined({ schema, tablePrefix }) })
  const scope = namespace.reduce<Scope>((parent, name) => nestedScope(parent, name), ROOT)
  await withConnection(omitUndefined({ databaseUrl, endpoint, schema }), async (connection) => {
    // No prepared names: they would not outlive the command, and some poolers do not support them.
    // No warnings: the command itself says why it failed.
    const settings = { preparedNames: false, warn: false }
    const whole = createCache(connection.db, { ...settings, tables, timeout: TIMEOUT_MS, codec })
    const cache = namespace.reduce((parent, name) => parent.namespace(name), whole)
    await work({
      ...connection,
      cache,
      scope,
      tables,
      runner: createRunner(connection.db, { ...settings, tables: namesOf(tables), timeoutMs: TIMEOUT_MS }),
    })
  })
}

/** Reads compressed and plain values. Writes plain values, which every cache can read. */
export function readingCodec(): Codec {
  return { encode: jsonCodec.encode, decode: compressingCodec().decode }
}

/** Copies an object without its undefined fields. */
export function omitUndefined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
