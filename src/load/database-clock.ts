/** The database's own clock, which no client's can replace. */
import { sql } from 'drizzle-orm'
import type { Database } from '../postgres/database.ts'

const NOW = sql`select floor(extract(epoch from clock_timestamp()) * 1000)::text as now`

/** Whole milliseconds, rounded down: a deadline that it has reached is over. */
export function databaseClock(db: Database): () => Promise<number> {
  return async () => {
    const { rows } = (await db.execute(NOW)) as unknown as { rows: { now: string }[] }
    return Number(rows[0]?.now)
  }
}
