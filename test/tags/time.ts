import { sql } from 'drizzle-orm'
import type { Database } from 'pgstash'

/** As if so much time had passed that cleanup uses what it noted last. */
export async function passNotedTime(db: Database): Promise<void> {
  await db.execute(
    sql`update cache_state set updated_at = updated_at - interval '11 minutes' where name = 'tag cleanup'`,
  )
}
