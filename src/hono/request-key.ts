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
 * @throws InvalidOptionError if an option returns something that is not text
 */
export function requestKey(
  c: Context,
  key: ResponseCacheOptions['key'],
  authenticated: NonNullable<ResponseCacheOptions['authenticated']>,
): RequestKey | undefined {
  const given = key?.(c)
  const url = given instanceof URL ? given : new URL(c.req.url)
  const own = given instanceof URL ? undefined : checkedText('key', given)
  const parts = own === undefined ? [] : [`key ${own}`]
  if (typeof authenticated !== 'function' || !c.req.raw.headers.has('authorization')) return { url, parts }
  const user = checkedText('authenticated', authenticated(c))
  return user === undefined || user === '' ? undefined : { url, parts: [...parts, `user ${user}`] }
}

/**
 * Accepts numbers as text, and refuses everything else. A promise, for example, would give the same text for everybody, and
 * one user would get the pages of another.
 */
function checkedText(name: 'key' | 'authenticated', value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return String(value)
  const expected = name === 'key' ? 'a string or a URL' : 'a string'
  throw new InvalidOptionError(`Expected ${name} to answer with ${expected}, got ${describeType(value)}.`)
}
