/**
 * The primary key of a response (RFC 9111 2): its method and its URL, readable.
 *
 *     GET https://example.com/posts?page=2
 *
 * The key uses the runtime's URL and no header field, because a client can forge fields such as X-Forwarded-Host. If
 * RFC 3986 6.2.2 calls two spellings of a URL equivalent, they have the same key, because routers treat them as the
 * same route. A space separates the parts of a key. A URL contains no space, so the separator is unambiguous.
 */
import { byCodePoint } from '../values/key.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'

/**
 * The query parameters that belong to the key. A name that ends in `*` matches all names with that prefix.
 *
 * The handler still sees the other parameters, so leave out only those that do not change its response.
 */
export interface QueryRule {
  /** Only these parameters. */
  readonly allow?: readonly string[]
  /** All parameters but these. */
  readonly ignore?: readonly string[]
  /** Whether to sort the parameters by name, keeping the order within a name; default true with `allow` or `ignore`. */
  readonly sort?: boolean
}

export interface CacheKeyOptions {
  readonly query?: QueryRule | undefined
  /** Texts that separate responses, such as the user. They are hashed, because they may be secret. */
  readonly parts?: readonly string[]
}

/** Returns the key. HEAD shares the key of GET (RFC 9110 9.3.2). */
export function cacheKey(method: string, url: URL, options: CacheKeyOptions = {}): string {
  const { query, parts = [] } = options
  const base = `${method === 'HEAD' ? 'GET' : method} ${canonicalUrl(url, query)}`
  // A request's URL has no credentials, but a URL built by a program might. Hash them like other secrets.
  const credentials = url.username || url.password ? [`${url.username}:${url.password}`] : []
  return [base, ...[...credentials, ...parts].map((part) => bytesToHex(sha256(utf8ToBytes(part))))].join(' ')
}

/**
 * Returns the prefixes of the keys of all URLs that begin with the text. It may match too many URLs, but never too few.
 *
 * The text is resolved like a URL, so `/a/..` finds all of `/`. It may end within an escape, such as `%c3%a`.
 *
 * @param text an absolute URL that includes the slash after its host
 * @throws TypeError if it is not a URL
 */
export function keyPrefixes(text: string): string[] {
  return [...new Set(completePrefix(text).map((each) => cacheKey('GET', withoutCredentials(new URL(each)))))]
}

/**
 * Returns the URL without its fragment and in canonical spelling. Only a query rule changes more, so `/a` and `/a?`
 * stay different.
 */
function canonicalUrl(url: URL, rule: QueryRule | undefined): string {
  const [href = ''] = withoutCredentials(url).href.split('#', 1)
  const whole = normalizeEscapes(href)
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

function withoutCredentials(url: URL): URL {
  const bare = new URL(url)
  bare.username = bare.password = ''
  return bare
}

function isKept(name: string, { allow, ignore }: QueryRule): boolean {
  return (allow === undefined || matches(name, allow)) && !(ignore && matches(name, ignore))
}

function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}

/** Decodes the name as applications do, so that a rule for `utm_id` matches `utm%5Fid`. The key keeps the spelling. */
function parameterName(parameter: string): string {
  const [name = ''] = parameter.split('=', 1)
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}

const ESCAPE = /%[\da-f]{2}/gi
const UNRESERVED = /[\w.~-]/
const HEX_DIGIT = /[\da-f]/i
/** A percent sign, perhaps with one hex digit, that is not the start of an escape. */
const LONE_PERCENT = /%[\da-f]?$/i
/** An incomplete escape at the end of a prefix. */
const PARTIAL = /%([\da-f]?)$/i

/**
 * Decodes the escapes of unreserved characters, and writes the digits of the others in upper case (RFC 3986 6.2.2.1 and
 * 6.2.2.2). Reserved characters stay escaped, because they would then separate parts of the URL.
 */
export function normalizeEscapes(text: string): string {
  return text.replace(ESCAPE, (given, at: number) => {
    const character = characterOf(given)
    if (!UNRESERVED.test(character)) return given.toUpperCase()
    // Behind a lone percent sign, a decoded digit could complete an escape that nobody wrote: `%%341` is not `%41`.
    const isDigitOfLonePercent = HEX_DIGIT.test(character) && LONE_PERCENT.test(text.slice(Math.max(0, at - 2), at))
    return isDigitOfLonePercent ? given.toUpperCase() : character
  })
}

/**
 * Returns prefixes that match every canonical spelling of the texts that begin with the given prefix.
 *
 * A prefix may end within an escape. It then also matches each character that the complete escape may encode. For
 * example, `%4` matches `%40`, and `A`, because `A` is `%41`.
 */
export function completePrefix(prefix: string): string[] {
  const [partial, digit = ''] = PARTIAL.exec(prefix) ?? []
  if (partial === undefined) return [prefix]
  const start = prefix.slice(0, -partial.length)
  const escapes = UNRESERVED_ESCAPES.filter((each) => each.startsWith(partial.toUpperCase()))
  // Keep the given prefix too, because normalization leaves a lone percent sign unchanged.
  return [prefix, `${start}%${digit.toUpperCase()}`, ...escapes.map((each) => start + each)]
}

function characterOf(given: string): string {
  return String.fromCharCode(Number.parseInt(given.slice(1), 16))
}

const UNRESERVED_ESCAPES = Array.from(
  { length: 0x80 },
  (_, code) => `%${code.toString(16).padStart(2, '0').toUpperCase()}`,
).filter((each) => UNRESERVED.test(characterOf(each)))
