import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { cacheQuery, queryCache, warm } from 'pgstash/drizzle'
import { products } from './batch.ts'

export function connect(url: string) {
  const cache = createCache(drizzle(url))
  return { cache, db: drizzle(url, { cache: queryCache(cache, { expiration: '10m' }) }) }
}

export async function prices({ cache, db }: ReturnType<typeof connect>, id: string) {
  const ofOne = db.select().from(products).where(eq(products.id, id))
  // Before anybody asks: after a deploy, or from a cron trigger.
  await warm(cache, [ofOne], { expiration: '1h' })
  return {
    all: await db.select().from(products).$withCache(),
    one: await cacheQuery(cache, ofOne, { expiration: '1h', tags: [`product:${id}`] }),
  }
}
