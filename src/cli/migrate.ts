/** `pgstash migrate` */
import { Command, Option } from 'commander'
import { type MigrateOptions, migrate, migrationSql } from '../migrate/index.ts'
import { number } from './arguments.ts'
import { connected, given, type TableFlags, tablesOf, withPrefixOption } from './cache-options.ts'
import { examples } from './formats.ts'

interface Flags extends TableFlags {
  printSql?: boolean
  unlogged?: boolean
  autovacuumScaleFactor?: number
  toastAutovacuumScaleFactor?: number
  fillfactor?: number
  compression?: 'lz4' | 'pglz'
  changes?: boolean
  notify?: string
}

export const migrateCommand = withPrefixOption(new Command('migrate'))
  .description("create the cache's tables, or bring them and their storage settings up to date")
  .option('--print-sql', 'print what would be run, and run nothing')
  .option('--unlogged', 'skip the write-ahead log: faster writes, emptied by a crash and by every suspend on Neon')
  .option('--autovacuum-scale-factor <share>', 'share of dead rows that starts a vacuum (default: 0.1)', number)
  .option('--toast-autovacuum-scale-factor <share>', 'the same for large values (default: 0.05)', number)
  .option('--fillfactor <percent>', 'how full inserts make a page (default: 85)', number)
  .addOption(new Option('--compression <method>', 'how large values are compressed').choices(['lz4', 'pglz']))
  .option('--changes', 'log which keys and tags are changed, for first tiers that ask')
  .option('--notify <channel>', 'tell them on a channel, for those that listen; such writes commit one after the other')
  .addHelpText('after', examples('pgstash migrate', 'pgstash migrate --print-sql | psql $DATABASE_URL'))
  .action(async ({ databaseUrl, endpoint, printSql, schema, tablePrefix, prefix, ...settings }: Flags) => {
    const options: MigrateOptions = { ...settings, tables: tablesOf({ ...given({ schema, tablePrefix, prefix }) }) }
    if (printSql) {
      process.stdout.write(migrationSql(options))
      return
    }
    await connected(given({ databaseUrl, endpoint }), async ({ db, name }) => {
      await migrate(db, options)
      process.stdout.write(`The cache's tables in ${name} are up to date.\n`)
    })
  })
