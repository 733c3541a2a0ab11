/** What tells a request apart from others, beside what its response varies on. */
import type { Context } from 'hono'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { ResponseCacheOptions } from './options.ts'

export interface RequestKey {
  readonly url: URL
  /** What else separates responses. */
  readonly parts: readonly string[]
}

/**
 * Undefined where the response is for nobody else.
 *
 * @throws InvalidOptionError where an option answers with what is no text
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
 * A number is text as well. All else is refused: a promise, say, would read the same for everybody, and give one user the
 * pages of another.
 */
function checkedText(name: 'key' | 'authenticated', value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return String(value)
  const expected = name === 'key' ? 'a string or a URL' : 'a string'
  throw new InvalidOptionError(`Expected ${name} to answer with ${expected}, got ${describeType(value)}.`)
}
