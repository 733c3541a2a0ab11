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

// Some of its entries live for only a second, which may pass before a slow machine reads them.
const patient = {
  ...vitest,
  it: (name: string, run: () => Promise<void>) => vitest.it(name, { retry: 3 }, run),
} as typeof vitest

vitest.beforeAll(async () => {
  const database = await createDatabase()
  const db = drizzle({ client: createPool(database) })
  await migrate(db)
  overTcp = createCache(db, { timeout: PATIENCE_MS })
  ;({ cache } = await createStash(database))
})

vitest.describe('@keyv/test-suite with Keyv 5', () => {
  keyvTestSuite(patient, Keyv, () => keyvStore(cache))
  keyvIteratorTests(patient, Keyv, () => keyvStore(cache))
})

vitest.describe('@keyv/test-suite over TCP', () => {
  keyvTestSuite(patient, Keyv, () => keyvStore(overTcp))
  keyvIteratorTests(patient, Keyv, () => keyvStore(overTcp))
})

// The suite is written for Keyv 5. Two of its other tests cannot pass with Keyv 6: there `deleteMany` returns a list,
// and two Keyv instances on one store would mix their entries, so the store refuses the second.
vitest.describe('the parts of @keyv/test-suite that hold for Keyv 6', () => {
  keyvValueTests(patient, Keyv6 as never, () => keyvStore(cache))
  keyvNamespaceTest(patient, Keyv6 as never, () => keyvStore(cache))
})
