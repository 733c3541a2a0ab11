/** The official test suite of Keyv storage adapters, unmodified, over HTTP and over TCP. */
import keyvTestSuite, { keyvIteratorTests, keyvNamespaceTest, keyvValueTests } from '@keyv/test-suite'
import { drizzle } from 'drizzle-orm/node-postgres'
import Keyv from 'keyv'
import Keyv6 from 'keyv-6'
import { type Cache, createCache } from 'pgstash'
import { keyvStore } from 'pgstash/keyv'
import { migrate } from 'pgstash/migrate'
import * as vitest from 'vitest'
import { createStash, PATIENCE_MS } from '../rate-limit/limits.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

let cache: Cache
let overTcp: Cache

vitest.beforeAll(async () => {
  const database = await createDatabase()
  const db = drizzle({ client: createPool(database) })
  await migrate(db)
  overTcp = createCache(db, { timeout: PATIENCE_MS })
  ;({ cache } = await createStash(database))
})

vitest.describe('@keyv/test-suite with Keyv 5', () => {
  keyvTestSuite(vitest, Keyv, () => keyvStore(cache))
  keyvIteratorTests(vitest, Keyv, () => keyvStore(cache))
})

vitest.describe('@keyv/test-suite over TCP', () => {
  keyvTestSuite(vitest, Keyv, () => keyvStore(overTcp))
  keyvIteratorTests(vitest, Keyv, () => keyvStore(overTcp))
})

// The suite is written for Keyv 5. Two of its other tests cannot pass with Keyv 6: there `deleteMany` returns a list,
// and two Keyv instances on one store would mix their entries, so the store refuses the second.
vitest.describe('the parts of @keyv/test-suite that hold for Keyv 6', () => {
  keyvValueTests(vitest, Keyv6 as never, () => keyvStore(cache))
  keyvNamespaceTest(vitest, Keyv6 as never, () => keyvStore(cache))
})
