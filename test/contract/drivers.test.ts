import { PGlite } from '@electric-sql/pglite'
import { neon, neonConfig, Pool } from '@neondatabase/serverless'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzleNeonSockets } from 'drizzle-orm/neon-serverless'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleProxy } from 'drizzle-orm/pg-proxy'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import type pg from 'pg'
import type { Database } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { cacheTables } from 'pgstash/schema'
import { cacheContract } from 'pgstash/testing'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { lazily } from '../setup/lazily.ts'
import { postgresStore } from '../setup/postgres-store.ts'
import { IS_INLINE } from '../setup/statements.ts'
import { startRelay } from '../setup/websocket-relay.ts'

/** A callback of pg-proxy over `pg`. Some programs forward the text that Postgres sent, others parsed values. */
async function proxyOver(types?: pg.CustomTypesConfig): Promise<Database> {
  const pool = createPool(await createDatabase())
  return drizzleProxy(async (text, values, method) => {
    // Without parameters `pg` uses the simple protocol, like those programs: one request may hold several statements.
    const query = { text, ...(values.length > 0 && { values }), ...(types && { types }) }
    if (method === 'execute') return { rows: (await pool.query(query)).rows ?? [] }
    return { rows: (await pool.query({ ...query, rowMode: 'array' })).rows }
  })
}

/** Neon's driver for persistent connections, over WebSockets. */
async function neonSocketsOver(database: string): Promise<Database> {
  const relay = await startRelay(database)
  neonConfig.webSocketConstructor = WebSocket
  neonConfig.wsProxy = () => relay
  Object.assign(neonConfig, { useSecureWebSocket: false, pipelineTLS: false, pipelineConnect: false })
  const client = new Pool({ connectionString: database })
  client.on('error', () => {})
  cleanup(() => client.end())
  return drizzleNeonSockets({ client })
}

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
  'neon-serverless over a WebSocket': async () => neonSocketsOver(await createDatabase()),
  'pg-proxy with text': () => proxyOver({ getTypeParser: () => (text: unknown) => text }),
  'pg-proxy with parsed values': () => proxyOver(),
  pglite: async () => {
    const client = new PGlite()
    cleanup(() => client.close())
    return drizzlePglite({ client })
  },
}

/** Among drivers that call routines, one for each way of sending statements. All others send the same statements. */
const WITHOUT_ROUTINES = ['neon-http on a real server', 'node-postgres', 'pg-proxy with text', 'pglite']

for (const [name, connect] of Object.entries(drivers)) {
  if (IS_INLINE && !WITHOUT_ROUTINES.includes(name)) continue
  describe(name, () =>
    cacheContract(
      { describe, it, expect },
      lazily(async () => postgresStore(await connect())),
    ),
  )
}

if (!IS_INLINE)
  describe('node-postgres, with a schema and a prefix that need quoting', () => {
    const tables = cacheTables({ schema: 'My "cache" $pgstash$', prefix: "it's 100% \\ ünïcode;--" })
    const connect = async () => postgresStore(drizzlePg({ client: createPool(await createDatabase()) }), tables)
    cacheContract({ describe, it, expect }, lazily(connect))
  })
