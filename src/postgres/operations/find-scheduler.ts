import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'

/** Whether pg_cron can be asked to run statements in this database, and if not, why. */
export const findScheduler = operation('always', (db) =>
  db
    .select({
      canSchedule: sql<boolean>`to_regprocedure('cron.schedule(text, text, text)') is not null`,
      isAvailable: sql<boolean>`exists (select from pg_available_extensions where name = 'pg_cron')`,
      database: sql<string>`current_database()::text`,
      /** Where pg_cron lives, if it is loaded; it can be created in that database only. */
      home: sql<string | null>`current_setting('cron.database_name', true)`,
    })
    .from(sql`(select) as one`),
)
