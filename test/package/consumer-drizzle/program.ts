/** Passes objects of Drizzle to the package, and objects of the package to Drizzle. It is compiled as an ES module and as CommonJS. */
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { type Cache, createCache, invalidation } from 'pgstash'
import { basic, cacheAdmin } from 'pgstash/admin'
import { cronRoute } from 'pgstash/cron'
import { type LocalNeon, startLocalNeon } from 'pgstash/dev'
import { cacheQuery, queryCache, rowTag, watchTables, withInvalidation } from 'pgstash/drizzle'
import { withResponseCache } from 'pgstash/fetch'
import { responseCache } from 'pgstash/hono'
import { migrate } from 'pgstash/migrate'
import { cacheEntries, cacheTables, live } from 'pgstash/schema'
import { historyListener } from 'pgstash/telemetry'
import { cacheContract } from 'pgstash/testing'

const users = pgTable('users', { id: integer('id').primaryKey(), name: text('name').notNull() })
const db = drizzle('', { schema: { users } })
export const cache: Cache = createCache(db, { tables: cacheTables() })
export const cached = drizzle('', { cache: queryCache(cache) })

export async function use(): Promise<unknown> {
  await migrate(db)
  await watchTables(db, [users])
  await db.execute(invalidation(rowTag(users, 1)))
  await db.transaction(async (tx) => {
    await createCache(tx).set('key', 1)
    await tx.execute(invalidation('tag'))
  })
  await withInvalidation(db).update(users).set({ name: 'Ada' }).where(eq(users.id, 1))
  const rows: { name: string }[] = await cacheQuery(cache, db.select().from(users))
  return [rows, await db.select().from(cacheEntries).where(live())]
}

export const middleware = [
  responseCache({ cache }),
  cacheAdmin({ cache, authorize: basic({ user: '', password: '' }) }),
]
export const others: unknown[] = [cronRoute, withResponseCache, historyListener(db, { name: 'shop' }), cacheContract]
export const local: () => Promise<LocalNeon> = () => startLocalNeon()
