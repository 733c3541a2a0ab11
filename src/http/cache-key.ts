/**
 * The primary key of a response (RFC 9111 2): its method and its URL, readable.
 *
 *     GET https://example.com/posts?page=2
 *
 * Only the URL that the runtime gives is used, never a header field: X-Forwarded-Host and the like are the client's to
 * forge. A URL holds no space, so nothing within it can be taken for a further part.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { byCodePoint } from '../values/key.ts'

/**
 * Which query parameters belong to the key. A name that ends in `*` stands for all that begin with what precedes it.
 *
 * The handler still sees the parameters that are left out: one that changes its response must not be.
 */
export interface QueryRule {
  /** Only these. */
  readonly allow?: readonly string[]
  /** All but these. */
  readonly ignore?: readonly string[]
  /** Whether to order the parameters by name, those of one name as they came; default true with `allow` or `ignore`. */
  readonly sort?: boolean
}

export interface CacheKeyOptions {
  readonly query?: QueryRule | undefined
  /** What else separates responses, such as the user. It is hashed: it may be secret. */
  readonly parts?: readonly string[]
}

/** HEAD shares the key of GET (RFC 9110 9.3.2). */
export function cacheKey(method: string, url: URL, options: CacheKeyOptions = {}): string {
  const { query, parts = [] } = options
  const base = `${method === 'HEAD' ? 'GET' : method} ${urlKey(url, query)}`
  // Requests have no credentials in their URL; a URL that was put together by hand might.
  const credentials = url.username || url.password ? [`${url.username}:${url.password}`] : []
  return [base, ...[...credentials, ...parts].map((part) => bytesToHex(sha256(utf8ToBytes(part))))].join(' ')
}

/** The URL without its fragment, as it is unless there is a rule: `/a` and `/a?` are different (RFC 9110 4.2.3). */
function urlKey(url: URL, rule: QueryRule | undefined): string {
  const bare = new URL(url)
  bare.username = bare.password = ''
  const [whole = ''] = bare.href.split('#', 1)
  const start = whole.indexOf('?')
  if (rule === undefined || start === -1) return whole
  const kept = whole
    .slice(start + 1)
    .split('&')
    .filter((parameter) => isKept(parameterName(parameter), rule))
  const { sort = rule.allow !== undefined || rule.ignore !== undefined } = rule
  if (sort) kept.sort((a, b) => byCodePoint(parameterName(a), parameterName(b)))
  return whole.slice(0, start) + (kept.length > 0 ? `?${kept.join('&')}` : '')
}

function isKept(name: string, { allow, ignore }: QueryRule): boolean {
  return (allow === undefined || matches(name, allow)) && !(ignore && matches(name, ignore))
}

function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}

/** As an application reads it, so that `utm%5Fid` is the `utm_id` that a rule names; the key keeps it as it came. */
function parameterName(parameter: string): string {
  const [name = ''] = parameter.split('=', 1)
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
