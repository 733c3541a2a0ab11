/** The contract with Bun's own driver, run by `bun test`, because that driver is part of Bun. */

import { afterAll, beforeAll, describe, expect, it, setDefaultTimeout } from 'bun:test'
import { SQL } from 'bun'
import { drizzle } from 'drizzle-orm/bun-sql'
import { cacheContract } from 'pgstash/testing'
import { postgresStore } from '../setup/postgres-store.ts'

setDefaultTimeout(60_000)
const client = new SQL(process.env.BUN_DATABASE_URL)
let store
beforeAll(async () => {
  store = await postgresStore(drizzle({ client }))
})
afterAll(() => client.end())

cacheContract(
  { describe, it, expect },
  {
    create: (options) => store.create(options),
    reset: () => store.reset(),
    advance: (ms) => store.advance(ms),
  },
)
