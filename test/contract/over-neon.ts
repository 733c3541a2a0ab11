/** The contract with Neon's driver over HTTP, for a runtime without a test runner. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { cacheContract, type StoreUnderTest } from 'pgstash/testing'
import { postgresStore } from '../setup/postgres-store.ts'
import { type Case, createCollector } from './collector.ts'

export async function runContract(env: { ENDPOINT: string; DATABASE_URL: string }): Promise<Case[]> {
  neonConfig.fetchEndpoint = () => env.ENDPOINT
  const store: StoreUnderTest = await postgresStore(drizzle({ client: neon(env.DATABASE_URL) }))
  const { runner, run } = createCollector()
  cacheContract(runner, store)
  return run()
}
