/** The official test suite of Keyv storage adapters, unmodified, over HTTP. */
import keyvTestSuite, { keyvIteratorTests, keyvNamespaceTest, keyvValueTests } from '@keyv/test-suite'
import Keyv from 'keyv'
import Keyv6 from 'keyv-6'
import type { Cache } from 'pgstash'
import { keyvStore } from 'pgstash/keyv'
import * as vitest from 'vitest'
import { createMigratedStash } from '../rate-limit/limits.ts'

let cache: Cache

vitest.beforeAll(async () => {
  ;({ cache } = await createMigratedStash())
})

vitest.describe('@keyv/test-suite with Keyv 5', () => {
  keyvTestSuite(vitest, Keyv, () => keyvStore(cache))
  keyvIteratorTests(vitest, Keyv, () => keyvStore(cache))
})

// The suite is written for Keyv 5. Two of its other tests cannot pass with Keyv 6: there `deleteMany` answers with a list, and
// two Keyv on one store would mix their entries, so the store refuses the second.
vitest.describe('the parts of @keyv/test-suite that hold for Keyv 6', () => {
  keyvValueTests(vitest, Keyv6 as never, () => keyvStore(cache))
  keyvNamespaceTest(vitest, Keyv6 as never, () => keyvStore(cache))
})
