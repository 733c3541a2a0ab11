/** The test runner and the store that the contract needs. */
import type { Cache } from '../../cache.ts'
import type { Codec } from '../../values/codec.ts'
import type { Expiration } from '../../values/expiration.ts'

/** The matchers that the contract uses. vitest and Jest have them, and so does the package `expect` with node:test. */
export interface Matchers {
  /** Passes if the value is the expected one, by `Object.is`. */
  toBe(expected: unknown): void
  /** Passes if the value has the same content as the expected one. */
  toEqual(expected: unknown): void
  /** Passes if the value has all fields of the expected object. */
  toMatchObject(expected: object): void
  /** Passes if the value is greater than the expected number. */
  toBeGreaterThan(expected: number): void
  /** Passes if the value is at most the expected number. */
  toBeLessThanOrEqual(expected: number): void
}
/** Returns the matchers for a value. `not` inverts them, and `rejects` checks the error of a promise. */
export type Expect = (
  actual: unknown,
) => Matchers & { not: Matchers; rejects: { toMatchObject(expected: object): Promise<void> } }

/** A vitest-compatible test runner. */
export interface TestRunner {
  /** Groups the tests that `define` defines. */
  describe(name: string, define: () => void): void
  /** Defines a test. It fails if `run` rejects. */
  it(name: string, run: () => Promise<void>): void
  /** Returns the matchers for a value. */
  expect: Expect
}

/** The options that every store under test must honour. */
export interface ContractCacheOptions {
  /** The scope of all keys. Default: none. */
  namespace?: string
  /** The expiration of writes that name none. Default: never. */
  expiration?: Expiration
  /** Turns values into text and back. Default: JSON. */
  codec?: Codec
  /** The largest encoded value, in UTF-8 bytes. Default 32 MiB. */
  maxValueBytes?: number
  /** How late a sliding deadline may be, as a share of its span. Default 0.25. */
  slack?: number
  /** Keeps background work alive. Default: none. */
  waitUntil?: (work: Promise<unknown>) => void
  /** Returns a number from 0 up to, but not including, 1. Default: from `crypto`. */
  random?: () => number
}

/** The storage that `cacheContract` tests, as caches. */
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
