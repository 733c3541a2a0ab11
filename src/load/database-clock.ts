/** Reads the database's clock. The clock of a client cannot replace it. */
import { sql } from 'drizzle-orm'
import type { Database } from '../postgres/database.ts'

const NOW = sql`select floor(extract(epoch from clock_timestamp()) * 1000)::text as now`

interface Row {
  readonly now: string
}

/** Returns whole milliseconds, rounded down, so that a deadline which it has reached has passed. */
export function databaseClock(db: Database): () => Promise<number> {
  return async () => {
    const result = (await db.execute(NOW)) as { rows?: Row[] } | Row[]
    // Some drivers return only the rows.
    const rows = Array.isArray(result) ? result : result.rows
    return Number(rows?.[0]?.now)
  }
}
