import { bool, nullable, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'

/** Checks whether pg_cron can run statements in this database, and if not, why. */
export const findScheduler = operation({
  name: 'find_scheduler',
  repeatable: 'always',
  rows: 'one',
  // `home`: the only database in which pg_cron can be created, if the server has loaded it.
  columns: { canSchedule: bool, isAvailable: bool, database: text, home: nullable(text) },
  build: () => ({
    select: {
      canSchedule: sql`to_regprocedure('cron.schedule(text, text, text)') is not null`,
      isAvailable: sql`exists (select from pg_available_extensions where name = 'pg_cron')`,
      database: sql`current_database()::text`,
      home: sql`current_setting('cron.database_name', true)`,
    },
    from: sql`(select) as one`,
  }),
})
