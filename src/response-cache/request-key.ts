/** The part of a response's key that the request alone determines, before Vary. */
import { cacheKey, type QueryRule } from '../http/index.ts'
import type { ResponseStore } from '../postgres/responses/store.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'
import type { ResponseCacheOptions } from './options.ts'

export interface RequestKey {
  readonly url: URL
  /**
   * Texts that separate responses of one URL: from the `key` option, the user, and a Host that differs from the URL's.
   */
  readonly parts: readonly string[]
}

interface KeyedRequest {
  readonly request: Request
  /** The argument of the options' functions. */
  readonly context: unknown
}

type KeyOptions = Pick<ResponseCacheOptions<unknown>, 'key' | 'authenticated'>

/**
 * Returns the request's key, or undefined if the request must not be cached.
 *
 * `authenticated` is called for every request, because it may recognize a user by a cookie. If it returns no name, the
 * request is anonymous, and with Authorization it is not cached.
 *
 * @throws InvalidOptionError if an option returns something that is not text
 */
export function requestKey(
  { request, context }: KeyedRequest,
  { key, authenticated }: KeyOptions,
): RequestKey | undefined {
  // If a client sends a raw `#`, the URL has a fragment. Routers see the fragment, but the key would not contain it.
  if (request.url.includes('#')) return undefined
  const { url, parts: given } = keyOption({ request, context }, key)
  const host = foreignHost(request)
  const parts = host === undefined ? given : [...given, `host ${host}`]
  if (typeof authenticated !== 'function') return { url, parts }
  const user = checkedText('authenticated', authenticated(context))
  if (user === undefined) return request.headers.has('authorization') ? undefined : { url, parts }
  return user === '' ? undefined : { url, parts: [...parts, `user ${user}`] }
}

/** Returns the URL of the request's key. It is the same for all users. @throws InvalidOptionError */
export function keyUrl(keyed: KeyedRequest, key: KeyOptions['key']): URL {
  return keyOption(keyed, key).url
}

/** Returns the key of a URL, before a long key is shortened. Purges use it. */
export function keyOfUrl(url: URL, { query }: { readonly query: QueryRule | undefined }): string {
  return cacheKey('GET', url, { query })
}

/** Returns the stored key of a request. */
export function baseOf(
  store: ResponseStore,
  settings: { readonly query: QueryRule | undefined },
  { url, parts }: RequestKey,
): string {
  const part = parts.length === 0 ? undefined : bytesToHex(sha256(utf8ToBytes(JSON.stringify(parts))))
  return store.keyOf(keyOfUrl(url, settings), part)
}

function keyOption({ request, context }: KeyedRequest, key: KeyOptions['key']): RequestKey {
  const given = key?.(context)
  if (given instanceof URL) return { url: given, parts: [] }
  const text = checkedText('key', given)
  return { url: new URL(request.url), parts: text === undefined ? [] : [`key ${text}`] }
}

/**
 * Returns the Host field if it differs from the URL's host, letter by letter. The handler can see both, so both belong
 * to the key.
 *
 * On Node, a client can send an absolute-form target with any Host. Without this, a response made for that Host would
 * be stored under another site's URL (RFC 9112 3.2.2).
 */
function foreignHost(request: Request): string | undefined {
  const host = request.headers.get('host')
  return host === null || host === new URL(request.url).host ? undefined : host
}

/**
 * Accepts strings and finite numbers, and refuses everything else. A promise or NaN, for example, would become the same
 * text for every user, and one user would get another user's pages.
 */
function checkedText(name: 'key' | 'authenticated', value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' || Number.isFinite(value) || typeof value === 'bigint') return String(value)
  const expected = name === 'key' ? 'a string or a URL' : 'a string'
  throw new InvalidOptionError(`Expected ${name} to return ${expected}, got ${describeType(value)}.`)
}
