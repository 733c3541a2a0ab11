/**
 * Which field says how a response is cached: the first valid targeted one (RFC 9213), or else Cache-Control.
 */
import type { BareItem, Dictionary, InnerList } from 'structured-headers'
import { Token } from 'structured-headers'
import { type ResponseDirectives, type Restriction, responseDirectives } from './cache-control.ts'
import { type Argument, type Directives, parseDirectives } from './directives.ts'
import { structuredDictionary } from './structured-fields.ts'

/** Those whose argument RFC 9213 2.1 infers to be an Integer. */
const SPANS: ReadonlySet<string> = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'])

export interface CachingDirectives extends ResponseDirectives {
  /** Whether a targeted field was chosen: then Cache-Control and Expires mean nothing to this cache (RFC 9213 2.2). */
  readonly targeted: boolean
}

/**
 * The directives that hold for a response.
 *
 * @param targets names of targeted fields, the most specific first
 */
export function cachingDirectives(headers: Headers, targets: readonly string[]): CachingDirectives {
  for (const target of targets) {
    // Empty or malformed is the same as absent (RFC 9213 2.1).
    const dictionary = structuredDictionary(headers.get(target))
    if (dictionary?.size) return { ...guarded(targetedDirectives(dictionary), targets), targeted: true }
  }
  const directives = responseDirectives(parseDirectives(headers.get('cache-control')))
  return { ...guarded(directives, targets), targeted: false }
}

/**
 * A span of another type than Integer should not be consumed (RFC 9213 2.1). To fall back on Cache-Control could share
 * what the targeted field meant to keep, so such a response is not stored at all.
 */
function targetedDirectives(dictionary: Dictionary): ResponseDirectives {
  const given = new Map<string, readonly Argument[]>()
  for (const [name, [value]] of dictionary) if (value !== false) given.set(name, [argumentOf(name, value)])
  const directives = responseDirectives(given)
  return hasUnreadableSpan(given) ? { ...directives, noStore: true, mustUnderstand: false } : directives
}

/** A targeted field is relied on like Cache-Control: a response that wants it left out restricts the whole. */
function guarded(directives: ResponseDirectives, targets: readonly string[]): ResponseDirectives {
  const widened = (restriction: Restriction): Restriction =>
    typeof restriction === 'boolean' || !targets.some((target) => restriction.includes(target)) ? restriction : true
  return { ...directives, noCache: widened(directives.noCache), private: widened(directives.private) }
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
