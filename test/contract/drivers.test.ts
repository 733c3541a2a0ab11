import { PGlite } from '@electric-sql/pglite'
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import type { Database } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { cacheTables } from 'pgstash/schema'
import { cacheContract } from 'pgstash/testing'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { lazily } from '../setup/lazily.ts'
import { postgresStore } from '../setup/postgres-store.ts'

type Connect = () => Promise<Database>

async function neonOver(database: string): Promise<Database> {
  const server = await startLocalNeon({ database })
  cleanup(() => server.close())
  neonConfig.fetchEndpoint = () => server.endpoint
  const db = drizzleNeon({ client: neon(server.connectionString) })
  return db
}

const drivers: Record<string, Connect> = {
  'neon-http on PGlite': () => neonOver('pglite'),
  'neon-http on a real server': async () => neonOver(await createDatabase()),
  'node-postgres': async () => drizzlePg({ client: createPool(await createDatabase()) }),
  'postgres-js': async () => {
    const client = postgres(await createDatabase(), { onnotice: () => {} })
    cleanup(() => client.end())
    return drizzlePostgres({ client })
  },
  pglite: async () => {
    const client = new PGlite()
    cleanup(() => client.close())
    return drizzlePglite({ client })
  },
}

for (const [name, connect] of Object.entries(drivers)) {
  describe(name, () =>
    cacheContract(
      { describe, it, expect },
      lazily(async () => postgresStore(await connect())),
    ),
  )
}

describe('node-postgres, with a schema and a prefix that need quoting', () => {
  const tables = cacheTables({ schema: 'My "cache" $pgstash$', prefix: "it's 100% \\ ünïcode;--" })
  const connect = async () => postgresStore(drizzlePg({ client: createPool(await createDatabase()) }), tables)
  cacheContract({ describe, it, expect }, lazily(connect))
})
