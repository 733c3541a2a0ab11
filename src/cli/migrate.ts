/** `pgstash migrate` */
import { Command, Option } from 'commander'
import { type MigrateOptions, migrate, migrationSql } from '../migrate/index.ts'
import type { Operation } from '../postgres/operation.ts'
import { DatabaseError } from '../values/errors.ts'
import { number } from './arguments.ts'
import { omitUndefined, type TableFlags, tablesOf, withCache, withTableOptions } from './cache-options.ts'
import { examples, JSON_HELP, PRINT_SQL_HELP } from './formats.ts'
import { note, print } from './output.ts'
import { readInstalled } from './statements/read-installed.ts'

interface Flags extends TableFlags {
  printSql?: boolean
  json?: boolean
  unlogged?: boolean
  autovacuumScaleFactor?: number
  toastAutovacuumScaleFactor?: number
  fillfactor?: number
  compression?: 'lz4' | 'pglz'
  changes?: boolean
  notify?: string
  routines: boolean
  routineRetentionDays?: number
}

export const migrateCommand = withTableOptions(new Command('migrate'))
  .description("create or update the cache's tables and settings")
  .option('--print-sql', PRINT_SQL_HELP)
  .option('--json', JSON_HELP)
  .option('--unlogged', 'skip the WAL: faster, but a crash empties the cache')
  .option('--autovacuum-scale-factor <share>', 'vacuum at this share of dead rows; default: 0.1', number)
  .option('--toast-autovacuum-scale-factor <share>', 'do the same for large values; default: 0.05', number)
  .option('--fillfactor <percent>', 'fill pages this far on insert; default: 85', number)
  .addOption(new Option('--compression <method>', 'compress large values with this method').choices(['lz4', 'pglz']))
  .option('--changes', 'log changed keys and tags for tieredCache')
  .option('--notify <channel>', 'send changed keys and tags to this channel')
  .option('--no-routines', 'install no routines and drop installed ones')
  .option('--routine-retention-days <days>', 'keep routines of other versions for this; default: 30', number)
  .addHelpText('after', examples('pgstash migrate', 'pgstash migrate --print-sql | psql $DATABASE_URL'))
  .action(async ({ databaseUrl, endpoint, dotenv, schema, tablePrefix, printSql, json, ...settings }: Flags) => {
    const place = omitUndefined({ databaseUrl, endpoint, schema, tablePrefix })
    const options: MigrateOptions = { ...settings, tables: tablesOf(place) }
    if (printSql) return print(migrationSql(options))
    await withCache(place, async ({ db, name, runner }) => {
      const before = await runner.run(readInstalled).catch(lacksCatalog)
      await migrate(db, options)
      const after = await runner.run(readInstalled)
      const outcome = compare(before, after)
      const secured = after.filter(({ hasRowSecurity }) => hasRowSecurity).map((table) => table.name)
      if (secured.length > 0) note(rowSecurityNote(secured))
      await print(json ? `${JSON.stringify({ database: name, ...outcome })}\n` : describe(name, outcome))
    })
  })

/** An old server or another engine may lack a part of the catalog. The migration then says what it needs. */
function lacksCatalog(error: unknown): Installed[] {
  if (error instanceof DatabaseError && error.sqlState?.startsWith('42')) return []
  throw error
}

type Installed = typeof readInstalled extends Operation<infer R> ? R : never

interface Outcome {
  readonly result: 'created' | 'updated' | 'current'
  /** The created or changed tables, and `routines` if any routine changed. */
  readonly changed: string[]
}

function compare(before: readonly Installed[], after: readonly Installed[]): Outcome {
  const definitions = new Map(before.map(({ name, definition }) => [name, definition]))
  const changed = after.filter(({ name, definition }) => definitions.get(name) !== definition).map(({ name }) => name)
  if (before.length > 0 && before[0]?.routines !== after[0]?.routines) changed.push('routines')
  const result = before.length === 0 ? 'created' : changed.length === 0 ? 'current' : 'updated'
  return { result, changed }
}

function rowSecurityNote(tables: readonly string[]): string {
  return (
    `Row-level security is on for ${tables.join(', ')}. Roles that it applies to miss every tagged entry. ` +
    'Run `pgstash doctor` as the role that your code uses.'
  )
}

function describe(database: string, { result, changed }: Outcome): string {
  if (result === 'created') return `Created the cache's tables in ${database}.\n`
  if (result === 'current') return `The cache's tables in ${database} are already current.\n`
  return `Updated the cache's tables in ${database}: ${changed.join(', ')}.\n`
}
