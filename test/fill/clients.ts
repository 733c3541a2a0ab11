/** Clients that share only the database: each has its own cache, driver and token source. */
import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, type CacheOptions, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

export type Site = Awaited<ReturnType<typeof createSite>>

/** A database behind a local Neon endpoint, on the shared real server by default. */
export async function createSite(given?: string) {
  const database = given ?? (await createDatabase())
  const { db, faults, server } = await createNeon(database)
  await migrate(db)
  return {
    database,
    db,
    faults,
    server,
    client: (options: CacheOptions = {}): Cache =>
      createCache(drizzle({ client: neon(server.connectionString) }), { timeout: 60_000, ...options }),
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Repeats a function, and returns the results. */
export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
