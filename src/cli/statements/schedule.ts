import { bool, integer } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { param } from '../../postgres/operations/fragments.ts'
import { sql } from '../../schema/sql.ts'

/** Schedules a statement with pg_cron. Replaces a job of the same name. */
export const schedule = operation({
  name: 'schedule',
  repeatable: 'always',
  rows: 'one',
  columns: { job: integer },
  build: () => ({
    select: { job: sql`cron.schedule(${param('name')}, ${param('cron')}, ${param('statement')})` },
    from: sql`(select) as one`,
  }),
})

/** Removes a job. @throws DatabaseError if there is no such job */
export const unschedule = operation({
  name: 'unschedule',
  repeatable: 'unsent',
  rows: 'one',
  columns: { done: bool },
  build: () => ({ select: { done: sql`cron.unschedule(${param('name')})` }, from: sql`(select) as one` }),
})
