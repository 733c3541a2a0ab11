import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { param } from './fragments.ts'

/** Has pg_cron run a statement; a job of the same name is replaced. */
export const schedule = operation('always', (db) =>
  db
    .select({
      job: sql<string>`cron.schedule(${param('name')}::text, ${param('cron')}::text, ${param('statement')}::text)::text`,
    })
    .from(sql`(select) as one`),
)

/** Ends that. @throws DatabaseError where there is no such job */
export const unschedule = operation('unsent', (db) =>
  db.select({ done: sql<boolean>`cron.unschedule(${param('name')}::text)` }).from(sql`(select) as one`),
)
