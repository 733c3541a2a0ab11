/** The test runner and the store that the contract needs. */
import type { Cache } from '../../cache.ts'
import type { Codec } from '../../values/codec.ts'
import type { Expiration } from '../../values/expiration.ts'

/** The matchers that the contract uses. vitest and Jest have them, and so does the package `expect` with node:test. */
export interface Matchers {
  toBe(expected: unknown): void
  toEqual(expected: unknown): void
  toMatchObject(expected: object): void
  toBeGreaterThan(expected: number): void
  toBeLessThanOrEqual(expected: number): void
}
export type Expect = (
  actual: unknown,
) => Matchers & { not: Matchers; rejects: { toMatchObject(expected: object): Promise<void> } }

/** A vitest-compatible test runner. */
export interface TestRunner {
  describe(name: string, define: () => void): void
  it(name: string, run: () => Promise<void>): void
  expect: Expect
}

/** The options that every store under test must honour. */
export interface ContractCacheOptions {
  namespace?: string
  expiration?: Expiration
  codec?: Codec
  maxValueBytes?: number
  slack?: number
  waitUntil?: (work: Promise<unknown>) => void
  random?: () => number
}

export interface StoreUnderTest {
  /** Returns a cache over the same storage on each call. */
  create(options?: ContractCacheOptions): Cache | Promise<Cache>
  /** Removes everything from that storage. */
  reset(): Promise<void>
  /** Lets this many milliseconds pass for all stored data, including leases, without waiting. */
  advance(ms: number): Promise<void>
}

export interface Suite extends TestRunner {
  store: StoreUnderTest
  /** Defines a test on an empty store. */
  test(name: string, run: (cache: Cache) => Promise<void>): void
  /** Expects the promise to reject with a CacheError of this code. */
  rejectsWith(promise: Promise<unknown>, code: string): Promise<void>
}

export function createSuite(runner: TestRunner, store: StoreUnderTest): Suite {
  return {
    ...runner,
    store,
    test: (name, run) =>
      runner.it(name, async () => {
        await store.reset()
        await run(await store.create())
      }),
    rejectsWith: (promise, code) => runner.expect(promise).rejects.toMatchObject({ code }),
  }
}
