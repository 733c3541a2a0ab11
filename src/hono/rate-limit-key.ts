/** The keys that limits are counted under. */
import { describeType, InvalidKeyError, InvalidOptionError } from '../values/errors.ts'

const NAME = /^[\w.-]{1,64}$/

/** @throws InvalidOptionError */
export function checkedName(name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  const came = typeof name === 'string' ? 'a string of another form' : describeType(name)
  throw new InvalidOptionError(
    `Expected the name of a limit to be 1 to 64 letters, digits, hyphens, underscores and dots, got ${came}.`,
  )
}

/**
 * The cache's key of a counter that `rateLimit` keeps, to look at it, or to delete it and so start anew.
 *
 * @param name of the limit @param key what the limit's `key` function answered
 * @throws InvalidOptionError, InvalidKeyError
 * @example
 * await cache.delete(rateLimitKey('login', email)) // the right password: forget the wrong ones
 */
export function rateLimitKey(name: string, key: string): string {
  // A name has no colon, so no two limits meet.
  return `rate-limit:${checkedName(name)}:${countableKey(key)}`
}

/**
 * What a cache can take as part of a key, of whatever a request brought. What it could not take is replaced: a client that
 * sends such things shares a counter with others of its kind, and does not cause an error.
 *
 * @throws InvalidKeyError for what is no string: a header that is missing, most often
 */
export function countableKey(key: unknown): string {
  if (typeof key === 'string') return key.toWellFormed().replaceAll('\0', '\ufffd')
  throw new InvalidKeyError(`Expected the key of a limit to be a string, got ${describeType(key)}.`)
}
