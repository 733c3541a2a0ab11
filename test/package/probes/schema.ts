/** `pgstash/schema` and `pgstash/migrate`: tables of its own, made over HTTP, queried with Drizzle. */
import { count } from 'drizzle-orm'
import { createCache } from 'pgstash'
import { migrate, migrationSql } from 'pgstash/migrate'
import { cacheTables, live } from 'pgstash/schema'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

export const run: Probe = async (env) => {
  const db = database(env)
  const tables = cacheTables({ schema: `edge ${env.RUNTIME}`, prefix: 'my_' })
  await Promise.all([migrate(db, { tables }), migrate(db, { tables })])
  const cache = createCache(db, { timeout: 60_000, tables })
  await cache.set('kept', 1)
  await cache.set('expired', 1, { expiration: 0 })
  const [row] = await db.select({ live: count() }).from(tables.entries).where(live(tables))
  return { live: Number(row?.live), printed: migrationSql({ tables }).startsWith('do $pgstash') }
}

export const expected = { live: 1, printed: true }
