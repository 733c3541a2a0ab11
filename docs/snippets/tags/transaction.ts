import { eq, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { invalidation } from 'pgstash'
import { products } from './batch.ts'

/** With a driver that has transactions: before or after the change, as long as it is in the same one. */
export async function discount(db: NodePgDatabase, id: string): Promise<void> {
  await db.transaction(async (tx) => {
    await tx
      .update(products)
      .set({ cents: sql`${products.cents} / 2` })
      .where(eq(products.id, id))
    await tx.execute(invalidation(['products', `product:${id}`]))
  })
}
