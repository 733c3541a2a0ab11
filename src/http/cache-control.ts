/**
 * Parses Cache-Control (RFC 9111 5.2) and interprets its directives, including those of RFC 5861 (stale-*) and RFC 8246
 * (immutable). Also reads the targeted fields that replace it (RFC 9213).
 *
 * Unknown directives are ignored (5.2.3). Contradictory or malformed directives get the conservative reading (4.2.1). A
 * lifetime is zero if it is invalid, or given twice with different values. A malformed member counts as every
 * restriction that it mentions, and never as a permission. For example, `no-store; max-age=60` forbids storing.
 */
import { type BareItem, type Dictionary, type InnerList, Token } from 'structured-headers'
import { deltaSeconds, fieldNames, listMembers, TCHAR } from './fields.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import { oncePer } from './once-per.ts'
import type { Policy } from './policy.ts'
import { structuredDictionary } from './structured-fields.ts'

/** A directive's argument; undefined if it has none, null if it is malformed. */
export type Argument = string | undefined | null

/** Maps a directive's name in lower case to its arguments, one for each occurrence. */
export type Directives = ReadonlyMap<string, readonly Argument[]>

const MEMBER = new RegExp(`^(${TCHAR}+)(?:=(?:(${TCHAR}+)|"((?:[^"\\\\]|\\\\.)*)"))?$`)
const TOKENS = new RegExp(`${TCHAR}+`, 'g')
const ESCAPED = /\\(.)/g

/** The directives that restrict a cache. Finding one of them in malformed text by mistake cannot do harm. */
const RESTRICTIVE: ReadonlySet<string> = new Set([
  'no-store',
  'no-cache',
  'private',
  'max-age',
  's-maxage',
  'must-revalidate',
  'proxy-revalidate',
])

/** Parses names case-insensitively, and arguments as tokens or quoted strings for every directive (RFC 9111 5.2). */
export function parseDirectives(value: string | null): Directives {
  const directives = new Map<string, Argument[]>()
  const add = (name: string, argument: Argument) => {
    const seen = directives.get(name)
    if (seen) seen.push(argument)
    else directives.set(name, [argument])
  }
  for (const member of listMembers(value)) {
    const [, name, token, quoted] = MEMBER.exec(member) ?? []
    if (name !== undefined) add(name.toLowerCase(), token ?? quoted?.replace(ESCAPED, '$1'))
    else for (const word of findRestrictions(member)) add(word, null)
  }
  return directives
}

function findRestrictions(malformed: string): string[] {
  const words = malformed.toLowerCase().match(TOKENS) ?? []
  return words.filter((word) => RESTRICTIVE.has(word))
}

/**
 * False: absent. True: restricts the whole response. Names: restricts these fields only (RFC 9111 5.2.2.4 and 5.2.2.7).
 */
export type Restriction = boolean | readonly string[]

/** Durations are in seconds; undefined if the response does not name the directive. */
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
  /** Whether a shared cache may store the response to a request with Authorization (RFC 9111 3.5). */
  readonly allowsAuthenticated: boolean
}

/** Durations are in seconds; `maxStale` is infinite if the request names no limit. */
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
 * The fields that caching decisions need, so a stored response must keep them. Connection cannot exclude one (RFC 9110
 * 7.6.1). If a directive tries to, such as `private="vary"`, the whole response counts as restricted.
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

/**
 * Returns the fields to leave out of a stored response. Empty if there are none, or if the whole response is
 * restricted.
 */
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
 * Restricts the whole response if any occurrence has no argument, names no field, or names an invalid field or one of
 * `RELIED_ON`.
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

/** The directives whose argument must be an Integer (RFC 9213 2.1). */
const SPANS: ReadonlySet<string> = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'])

export interface CachingDirectives extends ResponseDirectives {
  /** Whether a targeted field decides. Then this cache ignores Cache-Control and Expires (RFC 9213 2.2). */
  readonly targeted: boolean
}

/**
 * Returns the directives that apply to a response.
 *
 * @param targets the names of targeted fields, the most specific first
 */
export function cachingDirectives(headers: Headers, targets: readonly string[]): CachingDirectives {
  for (const target of targets) {
    // An empty or malformed field counts as absent (RFC 9213 2.1).
    const dictionary = structuredDictionary(headers.get(target))
    if (dictionary?.size) return { ...protectTargets(targetedDirectives(dictionary), targets), targeted: true }
  }
  const directives = responseDirectives(parseDirectives(headers.get('cache-control')))
  return { ...protectTargets(directives, targets), targeted: false }
}

/**
 * The directives of each response, with the targeted fields that they were read for. A response is rarely read under a
 * second policy.
 */
const parsed = new WeakMap<
  TimedResponse,
  { readonly targets: readonly string[]; readonly directives: CachingDirectives }
>()

/** Returns the directives that apply to a response under the policy. Parses them once per response. */
export function directivesOf(response: TimedResponse, { targetedFields }: Policy): CachingDirectives {
  const known = parsed.get(response)
  if (known?.targets === targetedFields) return known.directives
  const directives = cachingDirectives(response.headers, targetedFields)
  parsed.set(response, { targets: targetedFields, directives })
  return directives
}

/**
 * Reads a targeted field. Ignores a duration that is not an Integer (RFC 9213 2.1), and then forbids storing the
 * response. Falling back to Cache-Control could share a response that the targeted field meant to withhold.
 */
function targetedDirectives(dictionary: Dictionary): ResponseDirectives {
  const given = new Map<string, readonly Argument[]>()
  for (const [name, [value]] of dictionary) if (value !== false) given.set(name, [argumentOf(name, value)])
  const directives = responseDirectives(given)
  return hasUnreadableSpan(given) ? { ...directives, noStore: true, mustUnderstand: false } : directives
}

/**
 * Restricts the whole response if it tries to exclude a targeted field, because caching decisions need it like
 * Cache-Control.
 */
function protectTargets(directives: ResponseDirectives, targets: readonly string[]): ResponseDirectives {
  const widen = (restriction: Restriction): Restriction =>
    typeof restriction === 'boolean' || !targets.some((target) => restriction.includes(target)) ? restriction : true
  return { ...directives, noCache: widen(directives.noCache), private: widen(directives.private) }
}

function argumentOf(name: string, value: BareItem | InnerList[0]): Argument {
  if (value === true) return undefined
  if (SPANS.has(name)) return Number.isInteger(value) ? String(value) : null
  if (typeof value === 'string') return value
  return value instanceof Token ? value.toString() : null
}

function hasUnreadableSpan(given: Directives): boolean {
  return [...SPANS].some((name) => given.has(name) && typeof given.get(name)?.[0] !== 'string')
}
