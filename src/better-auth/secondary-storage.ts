/** Keeps the sessions, verification values and rate limits of better-auth in a cache. */
import { authoritativeCache } from '../cache/authoritative-cache.ts'
import type { Cache } from '../cache.ts'
import { optionsObject } from '../values/options.ts'

const DEFAULT_NAMESPACE = 'better-auth'

/** Options of {@link secondaryStorage}. */
export interface SecondaryStorageOptions {
  /** The namespace of the entries, nested in the cache's own. Default `better-auth`. */
  namespace?: string | undefined
}

/** The secondary storage of better-auth 1.7, declared here so that pgstash does not depend on better-auth. */
export interface SecondaryStorage {
  /** Returns the value of an entry, or null if there is none. */
  get(key: string): Promise<string | null>
  /** Deletes the entry and returns its value. If several callers race, only one gets the value. */
  getAndDelete(key: string): Promise<string | null>
  /** Adds one and returns the sum. `ttl` is in seconds and applies only to a new counter. */
  increment(key: string, ttl: number): Promise<number>
  /** `ttl` is in seconds. With 0 or less, the entry has expired. With undefined, it never expires. */
  set(key: string, value: string, ttl?: number): Promise<void>
  /** Deletes the entry. */
  delete(key: string): Promise<void>
}

/**
 * Creates a secondary storage for better-auth: `betterAuth({ secondaryStorage: secondaryStorage(cache) })`.
 *
 * Each method costs one round trip. `getAndDelete` and `increment` are atomic, so a token is redeemed only once, and a
 * limit counts every request. Entries expire by the database's clock. If the database fails, the call rejects. A
 * failure never looks like an ended session.
 *
 * These entries are the only copy of their data, and losing one logs a user out. Use a cache without `maxEntries` and
 * `maxBytes`, on logged tables. Do not call `clear` on a cache whose namespace contains these entries.
 *
 * @throws InvalidOptionError for a cache with `onError: 'miss'` or with a first tier; InvalidKeyError
 * @example
 * export const auth = betterAuth({ database, secondaryStorage: secondaryStorage(createCache(db)) })
 */
export function secondaryStorage(cache: Cache, options?: SecondaryStorageOptions): SecondaryStorage {
  const checked = authoritativeCache(cache, 'the argument of secondaryStorage')
  const { namespace = DEFAULT_NAMESPACE } = optionsObject<SecondaryStorageOptions>(options, ['namespace'])
  const entries = checked.namespace(namespace)

  // better-auth calls `increment` without the object, so no method may use `this`.
  return {
    get: async (key) => textOf(await entries.get(key)),
    getAndDelete: async (key) => textOf(await entries.pull(key)),
    increment: (key, ttl) => entries.increment(key, 1, { expiration: ttl }),
    // Pass null for "never", because undefined means the cache's own expiration.
    set: (key, value, ttl) => entries.set(key, value, { expiration: ttl ?? null }),
    async delete(key) {
      await entries.delete(key)
    },
  }
}

/**
 * Returns text unchanged. Converts a counter, which is a number in the cache, because other storages return its digits.
 */
function textOf(value: unknown): string | null {
  return value === undefined || value === null ? null : String(value)
}
