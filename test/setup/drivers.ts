/** The drivers that reach a server over a network, each for a connection URL. */
import { neon } from '@neondatabase/serverless'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import type { Database } from 'pgstash'
import postgres from 'postgres'
import { cleanup } from './cleanup.ts'
import { createPool } from './databases.ts'
import { createNeon } from './neon.ts'

export const connectors: Record<string, (url: string) => Promise<Database>> = {
  'neon-http': async (url) => drizzleNeon({ client: neon((await createNeon(url)).server.connectionString) }),
  'node-postgres': async (url) => drizzlePg({ client: createPool(url, { max: 2 }) }),
  'postgres-js': async (url) => {
    const client = postgres(url, { max: 2, onnotice: () => {} })
    cleanup(() => client.end())
    return drizzlePostgres({ client })
  },
}
