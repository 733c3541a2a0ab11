import { sql } from 'drizzle-orm'
import type { Database } from 'pgstash'

/** Makes enough time seem to pass that cleanup uses the snapshot that it recorded last. */
export async function passNotedTime(db: Database): Promise<void> {
  await db.execute(
    sql`update cache_state set updated_at = updated_at - interval '11 minutes' where name = 'tag cleanup'`,
  )
}
