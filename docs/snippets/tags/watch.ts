import { eq } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Cache } from 'pgstash'
import { rowTag, tableTag, watchTables } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { products } from './batch.ts'

/** Where you migrate. */
export async function setUp(db: NodePgDatabase): Promise<void> {
  await migrate(db)
  await watchTables(db, products, { rows: true })
}

/** Made from one row: a write of another product leaves it. */
export function product(cache: Cache, db: NodePgDatabase, id: string) {
  const read = async () => (await db.select().from(products).where(eq(products.id, id)))[0] ?? null
  return cache.getOrSet(`product:${id}`, read, { expiration: '1d', tags: [rowTag(products, id)] })
}

/** Made from many: any write of the table ends it. */
export function productCount(cache: Cache, db: NodePgDatabase) {
  return cache.getOrSet('products:count', () => db.$count(products), { tags: [tableTag(products)] })
}
