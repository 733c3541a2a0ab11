/** The choices that the RFCs leave to a cache. Each default is the conservative one. */
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { milliseconds, type TimeSpan } from '../values/time-span.ts'
import { isToken } from './fields.ts'

export interface HeuristicOptions {
  /** The lifetime as a share of the time since Last-Modified; default 0.1. */
  readonly fraction?: number
  /** The longest lifetime. A plain number is seconds; default a day. */
  readonly maxSeconds?: TimeSpan
}

/** Every duration is in seconds. */
export interface PolicyOptions {
  /** Targeted fields (RFC 9213), the most specific first; default `['cdn-cache-control']`. */
  readonly targetedFields?: readonly string[]
  /** The lifetime of cacheable responses without an explicit one; default none. Takes precedence over `heuristic`. */
  readonly defaultLifetime?: number | undefined
  /** Estimates a lifetime from Last-Modified (RFC 9111 4.2.2); default false. */
  readonly heuristic?: boolean | HeuristicOptions
  /** stale-while-revalidate for responses that do not name it and were fresh when stored; default 0. */
  readonly staleWhileRevalidate?: number
  /** stale-if-error for responses that do not name it and were fresh when stored; default 0. */
  readonly staleIfError?: number
  /**
   * Whether to obey stale-while-revalidate and stale-if-error in a response with s-maxage, as many CDNs do.
   * Default false, because s-maxage forbids serving stale responses (RFC 9111 5.2.2.10).
   */
  readonly allowStaleWithSMaxAge?: boolean
  /** Whether responses with Set-Cookie may be stored, as RFC 9111 7.3 allows; default false. */
  readonly storeSetCookie?: boolean
  /**
   * Whether to obey the request's Cache-Control and Pragma (RFC 9111 5.2.1); default false. no-store is always obeyed.
   */
  readonly requestDirectives?: boolean
  /** The only statuses to store; default all that RFC 9111 allows. */
  readonly statuses?: readonly number[] | undefined
  /**
   * How to cache responses to requests with Authorization:
   *
   * - `'rfc'`, the default: as RFC 9111 3.5 allows
   * - `'never'`: not at all
   * - `'keyed'`: like all other responses, because the caller puts the user into the cache key
   */
  readonly authenticated?: 'rfc' | 'never' | 'keyed'
  /** Request fields that every response varies on, in addition to its own Vary. */
  readonly vary?: readonly string[]
}

export interface Policy {
  readonly targetedFields: readonly string[]
  readonly defaultLifetime: number | undefined
  readonly heuristic: { readonly fraction: number; readonly maxSeconds: number } | undefined
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
  readonly allowStaleWithSMaxAge: boolean
  readonly storeSetCookie: boolean
  readonly requestDirectives: boolean
  readonly statuses: ReadonlySet<number> | undefined
  readonly authenticated: 'rfc' | 'never' | 'keyed'
  readonly vary: readonly string[]
}

/** CDN-Cache-Control is the only registered targeted field, and this cache takes the place of a CDN. */
const DEFAULT_TARGETED = ['cdn-cache-control']
/** A tenth, the typical setting (RFC 9111 4.2.2). */
const DEFAULT_HEURISTIC_FRACTION = 0.1
/**
 * A day. Without a limit, a page that has not changed for years would count as fresh for months, even if it changes
 * today.
 */
const DEFAULT_HEURISTIC_MAX_SECONDS = 86_400
const MS_PER_SECOND = 1_000

const KNOWN = [
  'allowStaleWithSMaxAge',
  'authenticated',
  'defaultLifetime',
  'heuristic',
  'requestDirectives',
  'staleIfError',
  'staleWhileRevalidate',
  'statuses',
  'storeSetCookie',
  'targetedFields',
  'vary',
] as const

/** Checks the options and fills in the defaults. @throws InvalidOptionError */
export function createPolicy(given?: PolicyOptions): Policy {
  const options = optionsObject(given, KNOWN)
  const { heuristic = false, defaultLifetime, statuses, authenticated = 'rfc' } = options
  if (!['rfc', 'never', 'keyed'].includes(authenticated)) {
    throw new InvalidOptionError("Expected authenticated to be 'rfc', 'never' or 'keyed'.")
  }
  return {
    targetedFields: names('targetedFields', options.targetedFields ?? DEFAULT_TARGETED),
    defaultLifetime: defaultLifetime === undefined ? undefined : span('defaultLifetime', defaultLifetime),
    heuristic: heuristic === false ? undefined : heuristicOf(heuristic === true ? undefined : heuristic),
    staleWhileRevalidate: span('staleWhileRevalidate', options.staleWhileRevalidate ?? 0),
    staleIfError: span('staleIfError', options.staleIfError ?? 0),
    allowStaleWithSMaxAge: boolean('allowStaleWithSMaxAge', options.allowStaleWithSMaxAge ?? false),
    storeSetCookie: boolean('storeSetCookie', options.storeSetCookie ?? false),
    requestDirectives: boolean('requestDirectives', options.requestDirectives ?? false),
    statuses: statuses && statusSet(statuses),
    authenticated,
    vary: names('vary', options.vary ?? []),
  }
}

function statusSet(statuses: readonly number[]): ReadonlySet<number> {
  if (Array.isArray(statuses) && statuses.every(Number.isInteger)) return new Set(statuses)
  throw new InvalidOptionError(`Expected statuses to be a list of numbers, got ${describeType(statuses)}.`)
}

function heuristicOf(given: HeuristicOptions | undefined): Policy['heuristic'] {
  const options = optionsObject(given, ['fraction', 'maxSeconds'])
  return {
    fraction: span('heuristic.fraction', options.fraction ?? DEFAULT_HEURISTIC_FRACTION),
    maxSeconds: longestGuess(options.maxSeconds),
  }
}

/** Accepts a plain number with a fraction, which `milliseconds` would refuse. */
function longestGuess(value: TimeSpan = DEFAULT_HEURISTIC_MAX_SECONDS): number {
  const name = 'heuristic.maxSeconds'
  return typeof value === 'number'
    ? span(name, value)
    : milliseconds(name, value, { numbers: 'seconds' }) / MS_PER_SECOND
}

function span(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value
  const received = Number.isFinite(value) ? 'a negative number' : describeType(value)
  throw new InvalidOptionError(`Expected ${name} to be a number of at least 0, got ${received}.`)
}

function names(option: string, values: readonly string[]): readonly string[] {
  if (!Array.isArray(values) || !values.every((name) => typeof name === 'string' && isToken(name)))
    throw new InvalidOptionError(`Expected ${option} to be a list of field names.`)
  return values.map((name) => name.toLowerCase())
}
