/** The part of a response's key that the request itself determines, before Vary. */
import type { Context } from 'hono'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { ResponseCacheOptions } from './options.ts'

export interface RequestKey {
  readonly url: URL
  /** Texts that separate responses of one URL: from the `key` option, and the user. */
  readonly parts: readonly string[]
}

/**
 * Returns the request's key, or undefined if the request must not be cached, because `authenticated` names no user.
 *
 * `authenticated` decides for every request, because it may recognize a user by a cookie. No name means an anonymous request,
 * unless the request has Authorization.
 *
 * @throws InvalidOptionError if an option returns something that is not text
 */
export function requestKey(
  c: Context,
  key: ResponseCacheOptions['key'],
  authenticated: NonNullable<ResponseCacheOptions['authenticated']>,
): RequestKey | undefined {
  const { url, parts } = keyOption(c, key)
  if (typeof authenticated !== 'function') return { url, parts }
  const user = checkedText('authenticated', authenticated(c))
  if (user === undefined) return c.req.raw.headers.has('authorization') ? undefined : { url, parts }
  return user === '' ? undefined : { url, parts: [...parts, `user ${user}`] }
}

/** Returns the URL of the request's key. It is the same for all users. @throws InvalidOptionError */
export function keyUrl(c: Context, key: ResponseCacheOptions['key']): URL {
  return keyOption(c, key).url
}

function keyOption(c: Context, key: ResponseCacheOptions['key']): RequestKey {
  const given = key?.(c)
  if (given instanceof URL) return { url: given, parts: [] }
  const text = checkedText('key', given)
  return { url: new URL(c.req.url), parts: text === undefined ? [] : [`key ${text}`] }
}

/**
 * Accepts finite numbers as text, and refuses everything else. A promise or NaN, for example, would give the same text for
 * everybody, and one user would get the pages of another.
 */
function checkedText(name: 'key' | 'authenticated', value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' || Number.isFinite(value) || typeof value === 'bigint') return String(value)
  const expected = name === 'key' ? 'a string or a URL' : 'a string'
  throw new InvalidOptionError(`Expected ${name} to answer with ${expected}, got ${describeType(value)}.`)
}
