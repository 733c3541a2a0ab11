/** The database's own clock, which no client's can replace. */
import { sql } from 'drizzle-orm'
import type { Database } from '../postgres/database.ts'

const NOW = sql`select floor(extract(epoch from clock_timestamp()) * 1000)::text as now`

interface Row {
  readonly now: string
}

/** Whole milliseconds, rounded down: a deadline that it has reached is over. */
export function databaseClock(db: Database): () => Promise<number> {
  return async () => {
    const result = (await db.execute(NOW)) as { rows?: Row[] } | Row[]
    // Some drivers answer with the rows alone.
    const rows = Array.isArray(result) ? result : result.rows
    return Number(rows?.[0]?.now)
  }
}
