/** `pgstash watch` and `pgstash unwatch` */
import { Command } from 'commander'
import { unwatchAllTables, unwatchTables, watchedTables, watchTables } from '../drizzle/watch.ts'
import { type TableFlags, tablesOf, withConnection, withTableOptions } from './cache-options.ts'
import { examples } from './formats.ts'
import { UserError } from './user-error.ts'

interface WatchFlags extends TableFlags {
  rows?: boolean
  list?: boolean
}

export const watchCommand = withTableOptions(new Command('watch'))
  .description('add triggers that invalidate on every write to tables')
  .argument('[table...]', 'table or schema.table, quoted as in SQL')
  .option('--rows', 'invalidate a tag for each changed row, too')
  .option('--list', 'print the watched tables and change nothing')
  .addHelpText('after', examples('pgstash watch products public.prices --rows', 'pgstash watch --list'))
  .action(async (names: string[], { rows = false, list = false, ...flags }: WatchFlags) => {
    if (list === names.length > 0) throw new UserError('Expected tables to watch, or --list.')
    const tables = tablesOf(flags)
    await withConnection(flags, async ({ db, name }) => {
      if (names.length > 0) {
        await watchTables(db, names, { rows, tables })
        process.stdout.write(`Watching ${names.join(', ')} in ${name}.\n`)
        return
      }
      for (const { table, rows, relations } of await watchedTables(db, { tables })) {
        const how = [rows ? 'rows' : '', relations === 1 ? '' : `${relations} relations`].filter(Boolean).join(', ')
        process.stdout.write(`${table}${how && ` (${how})`}\n`)
      }
    })
  })

interface UnwatchFlags extends TableFlags {
  all?: boolean
}

export const unwatchCommand = withTableOptions(new Command('unwatch'))
  .description('remove the triggers of watched tables')
  .argument('[table...]', 'table as `pgstash watch --list` prints it')
  .option('--all', 'unwatch all tables')
  .addHelpText('after', examples('pgstash unwatch public.products', 'pgstash unwatch --all'))
  .action(async (names: string[], { all = false, ...flags }: UnwatchFlags) => {
    if (all === names.length > 0) throw new UserError('Expected tables to unwatch, or --all.')
    const tables = tablesOf(flags)
    await withConnection(flags, async ({ db, name }) => {
      await (all ? unwatchAllTables(db, { tables }) : unwatchTables(db, names, { tables }))
      process.stdout.write(`No longer watching ${all ? 'any table' : names.join(', ')} in ${name}.\n`)
    })
  })
