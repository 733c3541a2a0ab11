/** `pgstash migrate` */
import { Command, InvalidArgumentError, Option } from 'commander'
import { type MigrateOptions, migrate, migrationSql } from '../migrate/index.ts'
import { cacheTables } from '../schema.ts'
import { connect } from './connect.ts'

interface Flags {
  databaseUrl?: string
  endpoint?: string
  printSql?: boolean
  schema?: string
  prefix?: string
  unlogged?: boolean
  autovacuumScaleFactor?: number
  toastAutovacuumScaleFactor?: number
  fillfactor?: number
  compression?: 'lz4' | 'pglz'
}

export const migrateCommand = new Command('migrate')
  .description("create the cache's tables, or bring them and their storage settings up to date")
  .option('--database-url <url>', 'the database; default: the variable DATABASE_URL')
  .option('--endpoint <url>', 'the HTTP endpoint of a local Neon; default: the variable NEON_FETCH_ENDPOINT')
  .option('--print-sql', 'print what would be run, and run nothing')
  .option('--schema <name>', 'the Postgres schema of the tables')
  .option('--prefix <name>', "put before each table's name")
  .option('--unlogged', 'skip the write-ahead log: faster writes, emptied by a crash and by every suspend on Neon')
  .option('--autovacuum-scale-factor <share>', 'share of dead rows that starts a vacuum (default: 0.1)', number)
  .option('--toast-autovacuum-scale-factor <share>', 'the same for large values (default: 0.05)', number)
  .option('--fillfactor <percent>', 'how full inserts make a page (default: 85)', number)
  .addOption(new Option('--compression <method>', 'how large values are compressed').choices(['lz4', 'pglz']))
  .action(async ({ databaseUrl, endpoint, printSql, schema, prefix, ...settings }: Flags) => {
    const options: MigrateOptions = { ...settings, tables: cacheTables({ ...given({ schema, prefix }) }) }
    if (printSql) {
      process.stdout.write(migrationSql(options))
      return
    }
    const connection = await connect(given({ databaseUrl, endpoint }))
    try {
      await migrate(connection.db, options)
      process.stdout.write(`The cache's tables in ${connection.name} are up to date.\n`)
    } finally {
      await connection.close()
    }
  })

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('Expected a number.')
  return value
}

/** Without the fields that were not given. */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
