/** The options of `getOrSet`, checked once, before anything is asked or computed. */
import type { GetOrSetOptions } from '../cache.ts'
import type { Sliding } from '../store/claims.ts'
import { now } from '../values/clock.ts'
import { describeType, InvalidExpirationError, InvalidOptionError } from '../values/errors.ts'
import { boundedSpan, type Deadline, parseExpiration, parsePeriod } from '../values/expiration.ts'
import { storedTags } from '../values/key.ts'
import { boolean, optionalFunction, optionalSignal, optionsObject } from '../values/options.ts'
import { checkedSnapshot } from '../values/snapshot.ts'

/** Longer than most computations take, shorter than people wait. */
const DEFAULT_LEASE_MS = 10_000
/** So much earlier is never meant: the expected lead is β computations. */
const MAX_BETA = 1_000

const KNOWN_OPTIONS = [
  'expiration',
  'tags',
  'asOf',
  'sliding',
  'maxAge',
  'stale',
  'lease',
  'beta',
  'signal',
  'waitUntil',
] as const satisfies readonly (keyof GetOrSetOptions)[]

/** What a call asked for. */
export interface Plan {
  readonly deadline: Deadline
  readonly sliding: Sliding | undefined
  readonly maxAgeMs: number | null
  /** 0 is not at all, null for any time. */
  readonly staleMs: number | null
  readonly leaseMs: number
  readonly beta: number
  readonly tags: readonly string[] | null
  readonly asOf: string | null
  readonly signal: AbortSignal | undefined
  /** Instead of the environment's. */
  readonly waitUntil: GetOrSetOptions['waitUntil']
}

/** @throws InvalidOptionError, InvalidExpirationError, InvalidKeyError */
export function parsePlan(
  options: GetOrSetOptions | undefined,
  defaults: { readonly expiration: Deadline; readonly slack: number },
): Plan {
  const given = optionsObject<GetOrSetOptions>(options, KNOWN_OPTIONS)
  const { expiration, sliding = false, maxAge, stale = 0, lease, beta = 0, tags, asOf, signal, waitUntil } = given
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
    tags: storedTags(tags),
    asOf: checkedSnapshot(asOf),
    signal: optionalSignal(signal),
    waitUntil,
  }
}

/** Whether two calls would do the same with the same entry, so that one read can serve both. */
export function isSameRead(a: Plan, b: Plan): boolean {
  return (
    a.staleMs === b.staleMs &&
    a.leaseMs === b.leaseMs &&
    a.maxAgeMs === b.maxAgeMs &&
    a.sliding?.ttlMs === b.sliding?.ttlMs
  )
}

/** @throws InvalidExpirationError when a sliding entry would have no span to slide by */
export function slidingOf(deadline: Deadline, maxAgeMs: number | null, slack: number): Sliding {
  if (deadline.kind !== 'after' || deadline.ms <= 0) {
    throw new InvalidExpirationError('Expected a positive span as the expiration of a sliding entry.')
  }
  return { ttlMs: deadline.ms, lifeMs: boundedSpan(deadline.ms * (1 + slack), now()), maxAgeMs }
}

function staleWindow(stale: unknown): number | null {
  const window = parseExpiration(stale, now(), 'stale')
  if (window.kind === 'never') return null
  if (window.kind === 'after') return Math.max(0, window.ms)
  throw new InvalidExpirationError('Expected stale to be a span of time, or null for any time, got a Date.')
}

function checkedBeta(beta: unknown): number {
  if (typeof beta === 'number' && beta >= 0 && beta <= MAX_BETA) return beta
  throw new InvalidOptionError(`Expected beta to be a number from 0 to ${MAX_BETA}, got ${describeType(beta)}.`)
}
