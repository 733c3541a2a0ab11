import { eq, sql } from 'drizzle-orm'
import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { withInvalidation } from 'pgstash/drizzle'
import { products } from './batch.ts'

export async function raisePrices(plain: NeonHttpDatabase): Promise<void> {
  const db = withInvalidation(plain, { schema: { products } })
  await db.update(products).set({ cents: 100 }).where(eq(products.id, 'tea'))
  await db.execute(sql`update ${products} set cents = cents + 1`)
  await db.touching(products).execute('update products set cents = cents + 1')
}
