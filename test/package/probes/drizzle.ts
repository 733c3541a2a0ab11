/** `pgstash/drizzle`: a query is cached, and invalidated by a write of Drizzle's. */
import { neon } from '@neondatabase/serverless'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { createCache } from 'pgstash'
import { cacheQuery, queryCache } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { database, type Probe } from './probe.ts'

export const run: Probe = async (env) => {
  const plain = database(env)
  await migrate(plain)
  const name = `numbers_${env.RUNTIME.replace(/\W/g, '_')}`
  await plain.execute(sql.raw(`drop table if exists ${name}`))
  await plain.execute(sql.raw(`create table ${name} (n int)`))
  const numbers = pgTable(name, { n: integer('n') })
  const cache = createCache(plain, { timeout: 60_000, namespace: name })
  await cache.clear()
  const db = drizzle(neon(env.DATABASE_URL), { cache: queryCache(cache) })
  const count = async () => (await db.select().from(numbers).$withCache()).length
  const counts = [await count()]
  await plain.insert(numbers).values({ n: 1 })
  counts.push(await count())
  await db.insert(numbers).values({ n: 2 })
  counts.push(await count())
  const rows = await cacheQuery(cache, plain.select().from(numbers))
  await plain.execute(sql.raw(`drop table ${name}`))
  return { counts, rows: rows.length }
}

export const expected = { counts: [0, 0, 2], rows: 2 }
