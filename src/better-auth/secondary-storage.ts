/** Keeps the sessions, verification values and rate limits of better-auth in a cache. */
import { authoritativeCache } from '../cache/authoritative-cache.ts'
import type { Cache } from '../cache.ts'
import { optionsObject } from '../values/options.ts'

const DEFAULT_NAMESPACE = 'better-auth'

export interface SecondaryStorageOptions {
  /** The namespace of the entries, nested in the cache's own. Default `better-auth`. */
  namespace?: string | undefined
}

/** The secondary storage of better-auth 1.7, typed by structure, so that better-auth is not a dependency of this package. */
export interface SecondaryStorage {
  get(key: string): Promise<string | null>
  /** Deletes the entry and returns its value. Of several callers one gets it. */
  getAndDelete(key: string): Promise<string | null>
  /** Adds one and returns the sum. `ttl` is in seconds, and counts for a new counter only. */
  increment(key: string, ttl: number): Promise<number>
  /** `ttl` is in seconds. 0 or less: the entry has expired. Undefined: it never expires. */
  set(key: string, value: string, ttl?: number): Promise<void>
  delete(key: string): Promise<void>
}

/**
 * Creates the secondary storage of better-auth: `betterAuth({ secondaryStorage: secondaryStorage(cache) })`.
 *
 * Each method costs one round trip. `getAndDelete` and `increment` are atomic, so a token is redeemed once, and no request
 * passes a limit uncounted. Entries expire by the database's clock. A failing database rejects the call: it never looks
 * like a session that has ended.
 *
 * The entries are no copies, and losing one logs a user out. Give the storage a cache without `maxEntries` and `maxBytes`, in
 * tables that are logged. Do not call `clear` on a cache whose namespace contains these entries.
 *
 * @throws InvalidOptionError for a cache with `onError: 'miss'` or with a first tier; InvalidKeyError
 * @example
 * export const auth = betterAuth({ database, secondaryStorage: secondaryStorage(createCache(db)) })
 */
export function secondaryStorage(cache: Cache, options?: SecondaryStorageOptions): SecondaryStorage {
  const checked = authoritativeCache(cache, 'the argument of secondaryStorage')
  const { namespace = DEFAULT_NAMESPACE } = optionsObject<SecondaryStorageOptions>(options, ['namespace'])
  const entries = checked.namespace(namespace)

  // better-auth takes `increment` off the object before it calls it, so no method uses `this`.
  return {
    get: async (key) => textOf(await entries.get(key)),
    getAndDelete: async (key) => textOf(await entries.pull(key)),
    increment: (key, ttl) => entries.increment(key, 1, { expiration: ttl }),
    // Null and not undefined, because undefined means the cache's own expiration.
    set: (key, value, ttl) => entries.set(key, value, { expiration: ttl ?? null }),
    async delete(key) {
      await entries.delete(key)
    },
  }
}

/** Stored text comes back unchanged. A counter is a number in the cache, and other storages return its digits. */
function textOf(value: unknown): string | null {
  return value === undefined || value === null ? null : String(value)
}
