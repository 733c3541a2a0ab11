import { eq } from 'drizzle-orm'
import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { invalidation } from 'pgstash'

export const products = pgTable('products', { id: text('id').primaryKey(), cents: integer('cents').notNull() })

/** Over HTTP: one request, one transaction. */
export async function setPrice(db: NeonHttpDatabase, id: string, cents: number): Promise<void> {
  await db.batch([
    db.update(products).set({ cents }).where(eq(products.id, id)),
    invalidation(['products', `product:${id}`]),
  ])
}
