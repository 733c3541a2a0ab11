/** Queries of the cache's own tables are never cached: they always return the current rows. */
import { neon } from '@neondatabase/serverless'
import { getTableName, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import type { PgTable } from 'drizzle-orm/pg-core'
import { createCache } from 'pgstash'
import { queryCache } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { beforeAll, describe, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})

describe.each([{}, { schema: 'own', prefix: 'app_' }])('queryCache over tables named by %j', (place) => {
  const tables = cacheTables(place)
  const { entries, leases, invalidations, state, changes, history } = tables
  const own: [string, PgTable][] = [entries, leases, invalidations, state, changes, history].map((table) => [
    getTableName(table),
    table,
  ])

  it.each(own)('never caches a query of %s', async (_name, table) => {
    await migrate(site.db, { tables })
    const cache = createCache(site.db, { tables })
    const db = drizzle({ client: neon(site.server.connectionString), cache: queryCache(cache, { global: true }) })
    const ask = () => db.select({ one: sql<number>`1` }).from(table)
    // One request each: none to read the cache, and none to store.
    site.faults.reset()
    await ask()
    await ask()
    expect(site.faults.requests).toBe(2)
  })
})
