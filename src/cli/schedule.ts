/** `pgstash schedule` */
import { Command } from 'commander'
import { number as count } from '../doctor/figures.ts'
import type { QueryDatabase } from '../postgres/database.ts'
import { SWEEP_START, sweep, sweepSizes } from '../postgres/operations/sweep.ts'
import { wholeNumber } from './arguments.ts'
import { type Place, type TableFlags, withCache, withTableOptions } from './cache-options.ts'
import { EXIT } from './exit-codes.ts'
import { examples } from './formats.ts'
import { print } from './output.ts'
import { statementText } from './statement-text.ts'
import { findScheduler } from './statements/find-scheduler.ts'
import { schedule, unschedule } from './statements/schedule.ts'

/** A run is one statement, which nothing can cut into parts: deleted in about a second. */
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
  .option('--cron <expression>', 'when to run', '*/5 * * * *')
  .option('--name <name>', 'name of the job; give each cache its own', 'pgstash-cleanup')
  .option('--batch <number>', 'delete this many per run', wholeNumber, DEFAULT_BATCH)
  .option('--remove', 'remove the job instead')
  .option('--print-sql', 'print the SQL instead of scheduling it')
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
        return print(insteadOfIt(found))
      }
      if (remove) {
        await place.runner.run(unschedule, { name })
        return print(`Removed the job ${name}.\n`)
      }
      await place.runner.run(schedule, { name, cron, statement })
      await print(`Scheduled the job ${name} (${cron}): at most ${count(batch)} entries a run.\n`)
    })
  })

/** One step of a cleanup; each run takes up where the one before has stopped. */
function cleanupText({ db, tables }: Place, batch: number): string {
  const query = sweep.everything.build(db as unknown as QueryDatabase, tables)
  return statementText(query, { ...SWEEP_START, ...sweepSizes(batch) })
}

interface Scheduler {
  readonly isAvailable: boolean
  readonly database: string
  readonly home: string | null
}

function insteadOfIt(found: Scheduler | undefined): string {
  const home = found?.home ?? undefined
  const create =
    home !== undefined && home !== found?.database
      ? `pg_cron lives in the database ${home}: there, as its owner, cron.schedule_in_database() takes what --print-sql prints.`
      : 'The server brings pg_cron: as a superuser, `create extension pg_cron`, and run this again.'
  return `pg_cron is not here, so nothing was scheduled.${found?.isAvailable || home !== undefined ? `\n\n${create}` : ''}

What else runs cleanup regularly:
  Cloudflare   a cron trigger and scheduledCleanup of pgstash/cron
  Vercel       Vercel Cron and cronRoute of pgstash/cron
  anywhere     a crontab: 0 * * * * DATABASE_URL=… npx pgstash clear-expired
  in code      cache.clearExpired()
`
}
