/** What all commands take that talk to a database: where it is, what the cache's tables are called, and which namespace. */
import { type Command, Option } from 'commander'
import type { Cache } from '../cache.ts'
import { compressingCodec } from '../codecs/compressing-codec.ts'
import { createCache } from '../postgres/create-cache.ts'
import { createRunner, type Runner } from '../postgres/runner.ts'
import { type CacheTables, cacheTables } from '../schema/index.ts'
import { type Codec, jsonCodec } from '../values/codec.ts'
import { nestedScope, ROOT, type Scope } from '../values/key.ts'
import { repeated } from './arguments.ts'
import { type Connection, connect } from './connect.ts'
import { loadEnvFiles } from './env-files.ts'
import { withSearchPath } from './search-path.ts'
import { UserError } from './user-error.ts'

/** A person waits, or a script that has time: longer than a request would. */
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

/** A cache, and what it stands on. */
export interface Place extends Connection {
  readonly cache: Cache
  readonly scope: Scope
  readonly tables: CacheTables
  readonly runner: Runner
}

export function withTableOptions(command: Command): Command {
  command
    .option('--database-url <url>', 'database to use; default: DATABASE_URL')
    .option('--endpoint <url>', 'HTTP endpoint to use; default: NEON_FETCH_ENDPOINT')
    // Node 20 takes `--env-file` for its own, even behind the name of the script.
    .option('--dotenv <file>', 'file to read instead of .env.local, .dev.vars, .env')
    .option('--schema <name>', "Postgres schema of the cache's tables")
    .option('--table-prefix <name>', "prefix of the cache's table names")
    .hook('preAction', (running) => loadEnvFiles(running.opts<TableFlags>().dotenv))
  // `list` has a prefix of keys, so this cannot be an alias: one name, one meaning.
  if (command.name() !== 'list') command.addOption(withoutMeaning('--prefix <name>', '--table-prefix'))
  return command
}

/** An option that is refused with the name of the right one. */
function withoutMeaning(flags: string, instead: string): Option {
  return new Option(flags).hideHelp().argParser(() => {
    throw new UserError(`Expected ${instead} for the names of tables: --prefix selects keys, in \`pgstash list\` only.`)
  })
}

export function withCacheOptions(command: Command): Command {
  return withTableOptions(command).option(
    '--namespace <name>',
    'namespace to use; repeat it for a nested one',
    repeated,
  )
}

export function tablesOf({ schema, tablePrefix }: TableFlags): CacheTables {
  return cacheTables({ ...given({ schema, prefix: tablePrefix }) })
}

/** Connects, does the work, and hangs up. @throws UserError, CacheError */
export async function connected(
  { databaseUrl, endpoint, schema }: Pick<TableFlags, 'databaseUrl' | 'endpoint' | 'schema'>,
  work: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await connect(given({ databaseUrl, endpoint }))
  try {
    await work(connection)
  } catch (error) {
    throw schema === undefined ? await withSearchPath(error, connection.db) : error
  } finally {
    await connection.close()
  }
}

/** The same with a cache. @throws UserError, CacheError */
export async function withCache(
  { databaseUrl, endpoint, schema, tablePrefix, namespace = [] }: CacheFlags,
  work: (place: Place) => Promise<void>,
  codec = readingCodec(),
): Promise<void> {
  const tables = tablesOf({ ...given({ schema, tablePrefix }) })
  const scope = namespace.reduce<Scope>((parent, name) => nestedScope(parent, name), ROOT)
  await connected(given({ databaseUrl, endpoint, schema }), async (connection) => {
    // Names of statements would not outlive the command, and not every pooler knows them.
    // The command itself says why it failed.
    const settings = { tables, preparedNames: false, warn: false }
    const whole = createCache(connection.db, { ...settings, timeout: TIMEOUT_MS, codec })
    const cache = namespace.reduce((parent, name) => parent.namespace(name), whole)
    await work({
      ...connection,
      cache,
      scope,
      tables,
      runner: createRunner(connection.db, { ...settings, timeoutMs: TIMEOUT_MS }),
    })
  })
}

/** Reads what was compressed as well; writes what every cache can read. */
export function readingCodec(): Codec {
  return { encode: jsonCodec.encode, decode: compressingCodec().decode }
}

/** Without the fields that were not given. */
export function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
