/** The contract that every store must pass. */
import { computing } from './computing.ts'
import { concurrentChanges } from './concurrent-changes.ts'
import { counters } from './counters.ts'
import { expiration } from './expiration.ts'
import { inspecting } from './inspecting.ts'
import { keys } from './keys.ts'
import { limits } from './limits.ts'
import { namespaces } from './namespaces.ts'
import { nearDeadline } from './near-deadline.ts'
import { readingAndWriting } from './reading-writing.ts'
import { sameForm } from './same-form.ts'
import { createSuite, type StoreUnderTest, type TestRunner } from './suite.ts'
import { tags } from './tags.ts'
import { values } from './values.ts'

export type { ContractCacheOptions, Expect, Matchers, StoreUnderTest, TestRunner } from './suite.ts'

/**
 * Defines the tests that every store must pass, with the given test runner.
 *
 * @example
 * import { describe, expect, it } from 'vitest'
 * import { cacheContract } from 'pgstash/testing'
 *
 * describe('my store', () => cacheContract({ describe, it, expect }, store))
 */
export function cacheContract(runner: TestRunner, store: StoreUnderTest): void {
  const suite = createSuite(runner, store)
  for (const define of [
    values,
    sameForm,
    keys,
    expiration,
    readingAndWriting,
    counters,
    limits,
    namespaces,
    inspecting,
    tags,
    computing,
    concurrentChanges,
    nearDeadline,
  ])
    define(suite)
}
