/**
 * The meaning of Cache-Control's directives (RFC 9111 5.2), with those of RFC 5861 (stale-*) and RFC 8246 (immutable).
 *
 * Unknown directives are ignored (5.2.3). Contradictory or malformed directives get the careful reading (4.2.1): a lifetime
 * that is invalid, or that is given twice with different values, is zero.
 */
import { type Argument, type Directives, parseDirectives } from './directives.ts'
import { deltaSeconds, fieldNames } from './fields.ts'
import type { RequestHead } from './message.ts'
import { oncePer } from './once-per.ts'

/** False: absent. True: restricts the whole response. Names: restricts these fields only (RFC 9111 5.2.2.4 and 5.2.2.7). */
export type Restriction = boolean | readonly string[]

/** Spans are in seconds; undefined if the response does not name the directive. */
export interface ResponseDirectives {
  readonly maxAge: number | undefined
  readonly sMaxAge: number | undefined
  readonly staleWhileRevalidate: number | undefined
  readonly staleIfError: number | undefined
  readonly noStore: boolean
  readonly noCache: Restriction
  readonly private: Restriction
  readonly public: boolean
  readonly mustRevalidate: boolean
  readonly proxyRevalidate: boolean
  readonly mustUnderstand: boolean
  readonly immutable: boolean
  /** Whether it lets a shared cache store the response to an authenticated request (RFC 9111 3.5). */
  readonly allowsAuthenticated: boolean
}

/** Spans are in seconds; `maxStale` is infinite if the request names no bound. */
export interface RequestDirectives {
  readonly maxAge: number | undefined
  readonly maxStale: number | undefined
  readonly minFresh: number | undefined
  readonly staleIfError: number | undefined
  readonly noCache: boolean
  readonly noStore: boolean
  readonly onlyIfCached: boolean
}

/**
 * The fields that caching decisions need. A stored response must keep them. A response that tries to exclude one, through
 * Connection or `private="vary"`, counts as wholly restricted (RFC 9110 7.6.1).
 */
export const RELIED_ON: ReadonlySet<string> = new Set([
  'age',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'etag',
  'expires',
  'last-modified',
  'pragma',
  'vary',
])

/** Reads the directives of a response, from Cache-Control or a targeted field. */
export function responseDirectives(given: Directives): ResponseDirectives {
  const has = (name: string) => given.has(name)
  const bare = (name: string) => given.get(name)?.every((argument) => argument === undefined) ?? false
  return {
    maxAge: seconds(given.get('max-age')),
    sMaxAge: seconds(given.get('s-maxage')),
    staleWhileRevalidate: seconds(given.get('stale-while-revalidate')),
    staleIfError: seconds(given.get('stale-if-error')),
    // must-understand is also a permission, because it overrides no-store. If it is malformed, it must forbid storing.
    noStore: has('no-store') || (has('must-understand') && !bare('must-understand')),
    noCache: restriction(given.get('no-cache')),
    private: restriction(given.get('private')),
    public: bare('public'),
    mustRevalidate: has('must-revalidate'),
    proxyRevalidate: has('proxy-revalidate'),
    mustUnderstand: bare('must-understand'),
    immutable: bare('immutable'),
    allowsAuthenticated:
      bare('public') || bare('must-revalidate') || consistentSeconds(given.get('s-maxage')) !== undefined,
  }
}

/** Reads the directives of a request (RFC 9111 5.2.1). `Pragma: no-cache` counts only without Cache-Control (5.4). */
export function requestDirectives(headers: Headers): RequestDirectives {
  const given = parseDirectives(headers.get('cache-control') ?? headers.get('pragma'))
  const maxStale = given.get('max-stale')
  const unbounded = maxStale?.every((argument) => argument === undefined)
  return {
    maxAge: seconds(given.get('max-age')),
    // max-stale is a permission, unlike the other directives. If it is malformed, it permits nothing.
    maxStale: unbounded ? Number.POSITIVE_INFINITY : consistentSeconds(maxStale),
    minFresh: seconds(given.get('min-fresh')),
    staleIfError: seconds(given.get('stale-if-error')),
    noCache: given.has('no-cache'),
    noStore: given.has('no-store'),
    onlyIfCached: given.has('only-if-cached'),
  }
}

/** Returns the directives of a request. Parses them once per request. */
export const requestDirectivesOf = oncePer((request: RequestHead) => requestDirectives(request.headers))

/** True if no-store holds. An understood must-understand overrides it (RFC 9111 5.2.2.3). */
export function forbidsStoring(directives: ResponseDirectives): boolean {
  return directives.noStore && !directives.mustUnderstand
}

/** Returns the fields that must be left out of a stored response. Empty if there are none, or if the whole is restricted. */
export function restrictedFields(restriction: Restriction): readonly string[] {
  return typeof restriction === 'boolean' ? [] : restriction
}

function seconds(given: readonly Argument[] | undefined): number | undefined {
  return given && (consistentSeconds(given) ?? 0)
}

/** Returns the value that all occurrences of a directive have, or undefined if they differ or one is invalid. */
function consistentSeconds(given: readonly Argument[] | undefined): number | undefined {
  const values = new Set(given?.map((argument) => (typeof argument === 'string' ? deltaSeconds(argument) : undefined)))
  const [value] = values
  return values.size === 1 ? value : undefined
}

/**
 * Restricts the whole response if any occurrence has no argument, or if it names no field, an invalid field name, or a field
 * of `RELIED_ON`.
 */
function restriction(given: readonly Argument[] | undefined): Restriction {
  const names = new Set<string>()
  for (const argument of given ?? []) {
    const listed = typeof argument === 'string' ? fieldNames(argument) : undefined
    if (!listed?.length || listed.some((name) => RELIED_ON.has(name))) return true
    for (const name of listed) names.add(name)
  }
  return names.size > 0 && [...names]
}
