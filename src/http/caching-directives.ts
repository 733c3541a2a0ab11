/**
 * The field that decides how a response is cached: the first valid targeted field (RFC 9213), or else Cache-Control.
 */
import type { BareItem, Dictionary, InnerList } from 'structured-headers'
import { Token } from 'structured-headers'
import { type ResponseDirectives, type Restriction, responseDirectives } from './cache-control.ts'
import { type Argument, type Directives, parseDirectives } from './directives.ts'
import type { TimedResponse } from './message.ts'
import type { Policy } from './policy.ts'
import { structuredDictionary } from './structured-fields.ts'

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

/** The directives of each response, with the targeted fields that they were read for. One policy reads a response, rarely two. */
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
 * Ignores a span that is not an Integer, as RFC 9213 2.1 says. Falling back to Cache-Control could then share a response that
 * the targeted field meant to withhold, so such a response is not stored at all.
 */
function targetedDirectives(dictionary: Dictionary): ResponseDirectives {
  const given = new Map<string, readonly Argument[]>()
  for (const [name, [value]] of dictionary) if (value !== false) given.set(name, [argumentOf(name, value)])
  const directives = responseDirectives(given)
  return hasUnreadableSpan(given) ? { ...directives, noStore: true, mustUnderstand: false } : directives
}

/** Restricts the whole response if it tries to exclude a targeted field, because caching decisions need it like Cache-Control. */
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
