import { count, sql } from 'drizzle-orm'
import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { pgMaterializedView } from 'drizzle-orm/pg-core'
import type { Cache } from 'pgstash'
import { tableTag, withInvalidation } from 'pgstash/drizzle'
import { products } from './batch.ts'

export const totals = pgMaterializedView('totals').as((qb) => qb.select({ n: count().as('n') }).from(products))

export function total(cache: Cache, db: NeonHttpDatabase) {
  return cache.getOrSet('total', async () => (await db.select().from(totals))[0]?.n, { tags: [tableTag(totals)] })
}

/** One statement refreshes the view and notes its tag. */
export async function refresh(plain: NeonHttpDatabase): Promise<void> {
  const db = withInvalidation(plain)
  await db.refreshMaterializedView(totals).concurrently()
  // The same as raw SQL.
  await db.touching(totals).execute(sql`refresh materialized view ${totals}`)
}
