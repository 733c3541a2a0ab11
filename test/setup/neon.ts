/** The real Neon driver on a local endpoint that counts requests and can break them. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { startLocalNeon } from 'pgstash/dev'
import { createFaults } from 'pgstash/testing'
import { cleanup } from './cleanup.ts'

// Every endpoint puts its port into its connection string, so this one function serves all of a file's endpoints.
neonConfig.fetchEndpoint = (_host, port) => `http://127.0.0.1:${port}/sql`

export async function createNeon(database: string) {
  const faults = createFaults()
  const server = await startLocalNeon({ database, intercept: faults })
  cleanup(() => server.close())
  return { db: drizzle({ client: neon(server.connectionString) }), faults, server }
}
