/** Checks and parses the options of `getOrSet`, before the call asks the store or computes. */
import type { GetOrSetOptions } from '../cache.ts'
import type { Sliding } from '../store/claims.ts'
import { now } from '../values/clock.ts'
import { describeType, InvalidExpirationError, InvalidOptionError } from '../values/errors.ts'
import { boundedSpan, type Deadline, parseExpiration, parsePeriod } from '../values/expiration.ts'
import { storedTags } from '../values/key.ts'
import { boolean, optionalFunction, optionalSignal, optionsObject } from '../values/options.ts'
import { checkedSnapshot } from '../values/snapshot.ts'
import { MAX_TIMER_MS, milliseconds } from '../values/time-span.ts'

/** Longer than most computations, and shorter than a user's patience. */
const DEFAULT_LEASE_MS = 10_000
/** On average, a refresh comes β computation times early, so a larger β is a mistake. */
const MAX_BETA = 1_000
const SOFT_TIMEOUT = { numbers: 'milliseconds', max: MAX_TIMER_MS } as const

const KNOWN_OPTIONS = [
  'expiration',
  'tags',
  'asOf',
  'sliding',
  'maxAge',
  'stale',
  'lease',
  'beta',
  'softTimeout',
  'backoff',
  'signal',
  'waitUntil',
] as const satisfies readonly (keyof GetOrSetOptions)[]

/** The options of a call, parsed. */
export interface FillOptions {
  readonly deadline: Deadline
  readonly sliding: Sliding | undefined
  readonly maxAgeMs: number | null
  /** How many milliseconds after its deadline a value may be served: 0 means not at all, null without limit. */
  readonly staleMs: number | null
  readonly leaseMs: number
  readonly beta: number
  /** How many milliseconds a refresh may take before the caller gets the old value. */
  readonly softTimeoutMs: number | undefined
  /** How many milliseconds no call repeats a failed refresh. With 0, the next caller repeats it. */
  readonly backoffMs: number
  readonly tags: readonly string[] | null
  readonly asOf: string | null
  readonly signal: AbortSignal | undefined
  /** Replaces the `waitUntil` of the cache. */
  readonly waitUntil: GetOrSetOptions['waitUntil']
}

/** @throws InvalidOptionError, InvalidExpirationError, InvalidKeyError */
export function parseGetOrSet(
  options: GetOrSetOptions | undefined,
  defaults: { readonly expiration: Deadline; readonly slack: number },
): FillOptions {
  const given = optionsObject<GetOrSetOptions>(options, KNOWN_OPTIONS)
  const { expiration, sliding = false, maxAge, stale = 0, lease, beta = 0, softTimeout, backoff } = given
  const { tags, asOf, signal, waitUntil } = given
  optionalFunction('waitUntil', waitUntil)
  const deadline = expiration === undefined ? defaults.expiration : parseExpiration(expiration, now())
  const maxAgeMs = maxAge === undefined ? null : parsePeriod(maxAge, 'maxAge', now())
  return {
    deadline,
    sliding: boolean('sliding', sliding) ? slidingOf(deadline, maxAgeMs, defaults.slack) : undefined,
    maxAgeMs,
    staleMs: staleWindow(stale),
    leaseMs: lease === undefined ? DEFAULT_LEASE_MS : parsePeriod(lease, 'lease', now()),
    beta: checkedBeta(beta),
    softTimeoutMs: softTimeout === undefined ? undefined : milliseconds('softTimeout', softTimeout, SOFT_TIMEOUT),
    backoffMs: backoff === undefined ? 0 : parsePeriod(backoff, 'backoff', now()),
    tags: storedTags(tags),
    asOf: checkedSnapshot(asOf),
    signal: optionalSignal(signal),
    waitUntil,
  }
}

/** True if both calls would send the same request, and so can share its reply. */
export function isSameRequest(a: FillOptions, b: FillOptions): boolean {
  return (
    a.staleMs === b.staleMs &&
    a.leaseMs === b.leaseMs &&
    a.maxAgeMs === b.maxAgeMs &&
    a.sliding?.ttlMs === b.sliding?.ttlMs
  )
}

/** @throws InvalidExpirationError if the deadline is not a span in the future */
export function slidingOf(deadline: Deadline, maxAgeMs: number | null, slack: number): Sliding {
  if (deadline.kind !== 'after' || deadline.ms <= 0) {
    throw new InvalidExpirationError('Expected a positive span as the expiration of a sliding entry.')
  }
  return { ttlMs: deadline.ms, lifeMs: boundedSpan(deadline.ms * (1 + slack), now()), maxAgeMs }
}

function staleWindow(stale: unknown): number | null {
  if (stale === 0) return 0
  const window = parseExpiration(stale, now(), 'stale')
  if (window.kind === 'never') return null
  if (window.kind === 'after') return Math.max(0, window.ms)
  throw new InvalidExpirationError('Expected stale to be a span of time, or null for any time, got a Date.')
}

function checkedBeta(beta: unknown): number {
  if (typeof beta === 'number' && beta >= 0 && beta <= MAX_BETA) return beta
  throw new InvalidOptionError(`Expected beta to be a number from 0 to ${MAX_BETA}, got ${describeType(beta)}.`)
}

/**
 * Draws how early a call refreshes an entry: −β ln(random), in multiples of the time that the value took to compute.
 *
 * This is XFetch of Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.
 * With β = 1, the expected number of early refreshes is the same at any request rate.
 *
 * @param random from 0 up to, but not including, 1
 */
export function earlyFactor(beta: number, random: number): number {
  // 1 − random is never 0, so its logarithm is finite.
  return -beta * Math.log(1 - random)
}
