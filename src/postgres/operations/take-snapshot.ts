import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'

/** What a statement of now can see, as text. */
export const takeSnapshot = operation('always', (db) =>
  db.select({ snapshot: sql<string>`pg_current_snapshot()::text` }).from(sql`(select) as one`),
)
