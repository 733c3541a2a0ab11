/** `pgstash schedule` */
import { Command } from 'commander'
import { number as count } from '../doctor/figures.ts'
import { statementSql } from '../postgres/operation.ts'
import { SWEEP_START, sweep, sweepSizes } from '../postgres/operations/sweep.ts'
import { namesOf } from '../schema/table-names.ts'
import { wholeNumber } from './arguments.ts'
import { type Place, type TableFlags, withCache, withTableOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { examples, PRINT_SQL_HELP } from './formats.ts'
import { print } from './output.ts'
import { statementText } from './statement-text.ts'
import { findScheduler } from './statements/find-scheduler.ts'
import { schedule, unschedule } from './statements/schedule.ts'

/** Each run is one statement, which cannot be split. It deletes this many entries in about a second. */
const DEFAULT_BATCH = 50_000

interface Flags extends TableFlags {
  cron: string
  name: string
  batch: number
  remove?: boolean
  printSql?: boolean
}

export const scheduleCommand = withTableOptions(new Command('schedule'))
  .description('schedule cleanup inside the database, with pg_cron')
  .option('--cron <expression>', 'run the job at these times', '*/5 * * * *')
  .option('--name <name>', 'name the job; use one name per cache', 'pgstash-cleanup')
  .option('--batch <number>', 'delete this many entries at a time', wholeNumber, DEFAULT_BATCH)
  .option('--remove', 'remove the job instead of adding it')
  .option('--print-sql', PRINT_SQL_HELP)
  .addHelpText(
    'after',
    examples('pgstash schedule', "pgstash schedule --cron '0 * * * *'", 'pgstash schedule --remove'),
  )
  .action(async ({ cron, name, batch, remove = false, printSql = false, ...flags }: Flags) => {
    await withCache(flags, async (place) => {
      const statement = cleanupText(place, batch)
      if (printSql) return print(`${statement};\n`)
      const [found] = await place.runner.run(findScheduler)
      if (!found?.canSchedule) {
        process.exitCode = EXIT.no
        return print(alternatives(found))
      }
      if (remove) {
        await place.runner.run(unschedule, { name })
        return print(`Removed the job ${name}.\n`)
      }
      await place.runner.run(schedule, { name, cron, statement })
      await print(`Scheduled the job ${name} (${cron}): at most ${count(batch)} entries a run.\n`)
    })
  })

/** The SQL of one cleanup step. Each run continues where the last run stopped. */
function cleanupText({ tables }: Place, batch: number): string {
  const statement = statementSql(sweep.everything.build(namesOf(tables)))
  return statementText(statement, { ...SWEEP_START, ...sweepSizes(batch) })
}

interface Scheduler {
  readonly isAvailable: boolean
  readonly database: string
  readonly home: string | null
}

function alternatives(found: Scheduler | undefined): string {
  const home = found?.home ?? undefined
  const create =
    home !== undefined && home !== found?.database
      ? `pg_cron runs in the database ${home}. There, as its owner, pass what --print-sql prints to cron.schedule_in_database().`
      : 'The server has pg_cron: as a superuser, run `create extension pg_cron`, then run this command again.'
  const advice = found?.isAvailable || home !== undefined ? `\n\n${create}` : ''
  return `This database does not have pg_cron, so nothing was scheduled.${advice}

Other ways to run cleanup regularly:
  Cloudflare   a cron trigger and scheduledCleanup of pgstash/cron
  Vercel       Vercel Cron and cronRoute of pgstash/cron
  anywhere     a crontab: 0 * * * * DATABASE_URL=… npx pgstash clear-expired
  in code      cache.clearExpired()
`
}
