import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { epochMs, milliseconds, param } from './fragments.ts'

/** The history of all names, or of one, as steps of `stepMs` back to `spanMs` ago; the oldest first, steps without events left out. */
export const readHistory = operation('always', (db, { history }) => {
  const step = sql`date_bin(${milliseconds('stepMs')}, ${history.bucketAt}, timestamptz 'epoch')`
  const sum = (column: typeof history.hits | typeof history.fillMs) => sql<number>`sum(${column})::float8`
  return db
    .select({
      at: epochMs(step),
      hits: sum(history.hits),
      misses: sum(history.misses),
      stale: sum(history.stale),
      writes: sum(history.writes),
      deletes: sum(history.deletes),
      invalidations: sum(history.invalidations),
      fills: sum(history.fills),
      fillMs: sum(history.fillMs),
      slowestFillMs: sql<number>`max(${history.slowestFillMs})::float8`,
      cleanups: sum(history.cleanups),
      removed: sum(history.removed),
      errors: sum(history.errors),
    })
    .from(history)
    .where(
      sql`${history.bucketAt} > now() - ${milliseconds('spanMs')}
        and (${param('name')}::text is null or ${history.name} = ${param('name')}::text)`,
    )
    .groupBy(sql`1`)
    .orderBy(sql`1`)
})
