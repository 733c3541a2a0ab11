import { instant, integer, number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { milliseconds, param } from '../../postgres/operations/fragments.ts'
import { sql } from '../../schema/sql.ts'

/**
 * Reads the history of one name or of all, in steps of `stepMs` back to `spanMs` ago. The oldest step comes first.
 * Steps without events have no row.
 */
export const readHistory = operation({
  name: 'read_history',
  repeatable: 'always',
  rows: 'any number',
  columns: {
    at: instant,
    hits: integer,
    misses: integer,
    stale: integer,
    writes: integer,
    deletes: integer,
    invalidations: integer,
    fills: integer,
    fillMs: number,
    slowestFillMs: number,
    cleanups: integer,
    removed: integer,
    errors: integer,
    allowed: integer,
    refused: integer,
  },
  build({ history }) {
    const step = sql`date_bin(${milliseconds('stepMs')}, ${history.bucketAt}, timestamptz 'epoch')`
    const sum = (column: typeof history.hits | typeof history.fillMs) => sql`sum(${column})`
    return {
      select: {
        at: step,
        hits: sum(history.hits),
        misses: sum(history.misses),
        stale: sum(history.stale),
        writes: sum(history.writes),
        deletes: sum(history.deletes),
        invalidations: sum(history.invalidations),
        fills: sum(history.fills),
        fillMs: sum(history.fillMs),
        slowestFillMs: sql`max(${history.slowestFillMs})`,
        cleanups: sum(history.cleanups),
        removed: sum(history.removed),
        errors: sum(history.errors),
        allowed: sum(history.allowed),
        refused: sum(history.refused),
      },
      from: sql`${history} where ${history.bucketAt} > statement_timestamp() - ${milliseconds('spanMs')}
          and (${param('name')} is null or ${history.name} = ${param('name')}) group by 1 order by min(${history.bucketAt})`,
    }
  },
})
