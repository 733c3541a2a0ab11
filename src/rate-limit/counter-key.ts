/** The keys of the counters that `rateLimit` keeps. */
import { describeType, InvalidKeyError, InvalidOptionError } from '../values/errors.ts'

const NAME = /^[\w.-]{1,64}$/

/** @throws InvalidOptionError */
export function checkedName(name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  const received = typeof name === 'string' ? 'a string in another format' : describeType(name)
  throw new InvalidOptionError(
    `Expected the name of a limit to be 1 to 64 letters, digits, hyphens, underscores and dots, got ${received}.`,
  )
}

/**
 * Returns the cache key of a counter that `rateLimit` keeps. Use it to read the counter, or to reset it by a deletion.
 *
 * @param name the name of the limit @param key the result of the limit's `key` function
 * @throws InvalidOptionError, InvalidKeyError
 * @example
 * await cache.delete(rateLimitKey('login', email)) // the right password: forget the wrong ones
 */
export function rateLimitKey(name: string, key: string): string {
  // A name has no colon, so the keys of two limits never collide.
  return `rate-limit:${checkedName(name)}:${countableKey(key)}`
}

/**
 * Replaces characters that a cache key cannot contain. Clients that send these characters share a counter, and get no
 * error.
 *
 * @throws InvalidKeyError if the key is not a string, most often because a header is missing
 */
export function countableKey(key: unknown): string {
  if (typeof key === 'string') return key.toWellFormed().replaceAll('\0', '\ufffd')
  throw new InvalidKeyError(`Expected the key of a limit to be a string, got ${describeType(key)}.`)
}
