/** The contract over clients and connection strings, without a Drizzle database of the program. */
import { PGlite } from '@electric-sql/pglite'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache, type Database, type DatabaseSource } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { cacheContract, type StoreUnderTest } from 'pgstash/testing'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { lazily } from '../setup/lazily.ts'
import { advance, emptyTables } from '../setup/postgres-store.ts'

/**
 * The value that a program passes, for a database at this URL. Clients of pg use the same code as a string over TCP.
 */
const sources: Record<string, (url: string) => Promise<DatabaseSource>> = {
  'a connection string over HTTP': connectionStringOf,
  'a connection string over TCP': async (url) => url,
  'the sql of postgres-js': async (url) => {
    const sql = postgres(url, { onnotice: () => {} })
    cleanup(() => sql.end())
    return sql
  },
}

async function connectionStringOf(database: string): Promise<string> {
  const server = await startLocalNeon({ database })
  cleanup(() => server.close())
  return server.connectionString
}

async function storeOver(source: DatabaseSource, db: Database): Promise<StoreUnderTest> {
  await migrate(source)
  return {
    create: (options) => createCache(source, { timeout: 60_000, ...options }),
    reset: () => emptyTables(db),
    advance: (ms) => advance(db, ms),
  }
}

for (const [name, sourceOf] of Object.entries(sources)) {
  describe(name, () => {
    cacheContract(
      { describe, it, expect },
      lazily(async () => {
        const url = await createDatabase()
        return storeOver(await sourceOf(url), drizzle({ client: createPool(url) }))
      }),
    )
  })
}

describe('a PGlite', () => {
  cacheContract(
    { describe, it, expect },
    lazily(async () => {
      const client = new PGlite()
      cleanup(() => client.close())
      const { drizzle } = await import('drizzle-orm/pglite')
      return storeOver(client, drizzle({ client }))
    }),
  )
})
