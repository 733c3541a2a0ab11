/** `pgstash/drizzle` and `invalidation`: on the edge a table is watched, and a batch invalidates. */
import { sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { createCache, invalidation } from 'pgstash'
import { rowTag, tableTag, unwatchTables, watchedTables, watchTables } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

const watched = pgTable('watched_on_the_edge', { id: integer('id').primaryKey() })

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  await db.execute(sql`create table if not exists ${watched} (id int primary key)`)
  await watchTables(db, watched, { rows: true })
  const list = await watchedTables(db)
  const cache = createCache(db, { timeout: 60_000, namespace: `watched ${env.RUNTIME}` })
  await cache.set('table', 1, { tags: [tableTag(watched)] })
  await cache.set('row', 1, { tags: [rowTag(watched, 1)] })
  await cache.set('other row', 1, { tags: [rowTag(watched, 2)] })
  await cache.set('tagged', 1, { tags: ['tag'] })
  await db.batch([db.delete(watched), db.insert(watched).values({ id: 1 }), invalidation('tag')])
  const live = [...(await cache.getMany(['table', 'row', 'other row', 'tagged'])).keys()]
  await unwatchTables(db, watched)
  return { list, live }
}

export const expected = {
  list: [{ table: 'public.watched_on_the_edge', rows: true, relations: 1 }],
  live: ['other row'],
}
