/** The part of the contract that a test through a cache cannot reach. */
import type { TestRunner } from '../contract/suite.ts'
import { fences } from './fences.ts'
import { leases } from './leases.ts'
import { listings } from './listings.ts'
import { races } from './races.ts'
import { replies } from './replies.ts'
import { rows } from './rows.ts'
import { staleness } from './staleness.ts'
import { createStoreSuite, type StoresUnderTest } from './suite.ts'
import { tagLog } from './tag-log.ts'

export type { StoresUnderTest } from './suite.ts'

/**
 * Defines the tests of a store that `cacheContract` cannot run through a cache. Run both contracts.
 *
 * @example
 * import { describe, expect, it } from 'vitest'
 * import { storeContract } from 'pgstash/testing'
 *
 * describe('my store', () => storeContract({ describe, it, expect }, { create, reset, advance }))
 */
export function storeContract(runner: TestRunner, stores: StoresUnderTest): void {
  const suite = createStoreSuite(runner, stores)
  for (const define of [replies, rows, listings, leases, fences, staleness, tagLog, races]) define(suite)
}
