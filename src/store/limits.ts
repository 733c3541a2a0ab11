/**
 * The three algorithms of `limit` as pure functions. The Postgres statements in `operations/limit.ts` make the same
 * decisions.
 *
 * All three keep their state in the number and the deadline of an ordinary counter, so a limit needs no extra table. If
 * the algorithm of a limit changes, the new algorithm reads the existing count.
 *
 * - Fixed window: the number is the calls in the window, one more than the limit after a refusal. The deadline is the
 *   end of the window.
 * - Sliding window: the number is the calls in the window. Its 16 digits after the decimal point are the calls of the
 *   previous window. The deadline is the end of the next window.
 * - Token bucket: the number is the missing tokens. The deadline is the instant at which the bucket is full.
 */
import type { LimitAlgorithm } from '../cache.ts'
import { fractionPart, wholePart } from '../values/decimal.ts'

/** A rule of `limit` as a store gets it. */
export interface LimitInput {
  /** The length of a window, or the time between two refills of a bucket. */
  readonly periodMs: number
  /** One more than the limit, which is at least 0. */
  readonly cap: number
  /** Default `'fixed-window'`. */
  readonly algorithm?: LimitAlgorithm | undefined
  /** The number of calls that this one counts as. 0 only looks, a negative number gives back. Default 1. */
  readonly cost?: number | undefined
  /** For a token bucket: the tokens that come back after each period. Default: all of them. */
  readonly refill?: number | undefined
}

/** The state of a limit after a call. */
export interface Window {
  /** Calls so far, at most the cap. Includes this call even if it was refused. */
  readonly count: number
  /** When the window ends, or the bucket is full, in milliseconds since 1970 by the store's clock. */
  readonly resetAt: number
  /** Milliseconds until then: whole, and at least 0. */
  readonly resetMs: number
  /**
   * False if the call was refused. Stores that know only fixed windows leave out this field, `remaining` and `retryMs`.
   */
  readonly isAllowed?: boolean | undefined
  /** How many more calls the limit allows. */
  readonly remaining?: number | undefined
  /** Milliseconds until the same call can succeed: 0 if it did, Infinity if it costs more than the limit. */
  readonly retryMs?: number | undefined
}

/** The counter of a limit. Its instants may come from any clock. */
export interface LimitCounter {
  /** A decimal number. */
  readonly number: string
  /** Infinity if the counter is permanent. Its window then begins now. */
  readonly expiresAt: number
}

/** A counter at one instant. */
interface Counts {
  readonly used: number
  readonly resetAt: number
  /** True if the counter is permanent, or the clock was set back since it was stored. */
  readonly isTooFar: boolean
  /** When a call of this cost can succeed, if nothing else is counted. The cost is at most the limit. */
  retryAt(cost: number): number
  /** The counter after `cost` more calls. */
  after(cost: number): LimitCounter
}

/** An input with every default filled in. */
export type CompleteLimit = { readonly [Name in keyof LimitInput]-?: NonNullable<LimitInput[Name]> }
type Rule = CompleteLimit & { readonly limit: number }
type Algorithm = (counter: LimitCounter | undefined, rule: Rule, now: number) => Counts

/** Digits after the decimal point that hold the calls of the previous window. No limit has more digits. */
export const PREVIOUS_DIGITS = 16

/** About 6,300 years. This bounds the refill time, because any number may be stored under the key of a bucket. */
export const MAX_REFILL_MS = 200_000_000_000_000

const ALGORITHMS: Readonly<Record<LimitAlgorithm, Algorithm>> = {
  'fixed-window': fixedWindow,
  'sliding-window': slidingWindow,
  'token-bucket': tokenBucket,
}

/** The names, for messages. */
export const LIMIT_ALGORITHMS = Object.keys(ALGORITHMS) as readonly LimitAlgorithm[]

function complete({ algorithm = 'fixed-window', cap, cost = 1, periodMs, refill = cap }: LimitInput): Rule {
  return { algorithm, cap, cost, periodMs, refill, limit: cap - 1 }
}

/**
 * True if a call changes nothing, because its cost is 0 or is more than the limit ever allows. Such a call must not
 * begin a window either.
 */
export function changesNothing(input: LimitInput): boolean {
  const { cost = 1, cap } = input
  return cost === 0 || (cost >= cap && !isClosed(input))
}

/**
 * True for a call of cost 1 in a fixed window with a limit of 0. Its window still begins, so that clients wait for an
 * end that does not move.
 */
function isClosed({ algorithm = 'fixed-window', cost = 1, cap }: LimitInput): boolean {
  return algorithm === 'fixed-window' && cap === 1 && cost === 1
}

/**
 * Counts a call.
 *
 * @param counter undefined if nothing is counted
 * @returns the counter to store: the same one if the call changes nothing or was refused
 */
export function countLimited(
  counter: LimitCounter | undefined,
  input: LimitInput,
  now: number,
): { readonly counter: LimitCounter | undefined; readonly window: Window } {
  const rule = complete(input)
  const counts = ALGORITHMS[rule.algorithm](counter, rule, now)
  if (changesNothing(rule)) return { counter, window: describe(counts, rule, now, undefined) }
  const isAllowed = counts.used + rule.cost <= rule.limit || rule.cost < 0
  if (!isAllowed) return { counter: afterRefusal(counter, counts, rule), window: describe(counts, rule, now, false) }
  // There is no counter to give calls back to.
  if (counter === undefined && rule.cost < 0) return { counter, window: describe(counts, rule, now, true) }
  const next = counts.after(rule.cost)
  const after = ALGORITHMS[rule.algorithm](next, rule, now)
  return { counter: next, window: describe(after, rule, now, true) }
}

/**
 * Returns the counter after a refusal. A refusal uses up no call, but it bounds a deadline that is too far in the
 * future. Otherwise the wait would never end. A fixed window counts refused calls up to the cap, as it did before there
 * were other algorithms.
 */
function afterRefusal(counter: LimitCounter | undefined, { after, isTooFar }: Counts, rule: Rule): LimitCounter {
  if (counter === undefined) return after(1)
  const number = rule.algorithm === 'fixed-window' && rule.cost === 1 ? String(rule.cap) : counter.number
  if (!isTooFar && number === counter.number) return counter
  return { number, expiresAt: after(0).expiresAt }
}

/**
 * Describes a limit after its store has decided.
 *
 * @param counter after the call; undefined if nothing is counted
 * @param isAllowed the store's decision; undefined if the call changed nothing
 */
export function describeLimit(
  counter: LimitCounter | undefined,
  input: LimitInput,
  now: number,
  isAllowed: boolean | undefined,
): Window {
  const rule = complete(input)
  return describe(ALGORITHMS[rule.algorithm](counter, rule, now), rule, now, isAllowed)
}

function describe(counts: Counts, rule: Rule, now: number, decided: boolean | undefined): Window {
  const { limit, cap } = rule
  const { used, resetAt } = counts
  // A call of cost 0 asks whether a call of cost 1 would succeed.
  const cost = rule.cost === 0 ? 1 : rule.cost
  const isAllowed = (rule.cost === 0 ? undefined : decided) ?? used + cost <= limit
  // The window counted the call even if it ended between the decision and now.
  const counted = Math.max(used, isAllowed ? rule.cost : cap)
  return {
    count: rule.cost === 0 ? Math.min(used, cap) : Math.min(counted, cap),
    remaining: Math.max(0, limit - used),
    resetAt,
    resetMs: wait(resetAt - now),
    isAllowed,
    retryMs: isAllowed ? 0 : cost > limit ? Number.POSITIVE_INFINITY : wait(counts.retryAt(cost) - now),
  }
}

const wait = (ms: number): number => Math.max(0, Math.ceil(ms))

function fixedWindow(counter: LimitCounter | undefined, { periodMs, limit }: Rule, now: number): Counts {
  const used = counter === undefined ? 0 : wholePart(counter.number)
  const isTooFar = counter?.expiresAt === Number.POSITIVE_INFINITY
  const resetAt = counter === undefined || isTooFar ? now + periodMs : counter.expiresAt
  return {
    used,
    resetAt,
    isTooFar,
    retryAt: () => resetAt,
    after(cost) {
      // Refused calls were counted too, but they cannot be given back.
      const counted = cost < 0 ? Math.min(used, limit) : used
      return { number: String(Math.max(0, counted + cost)), expiresAt: resetAt }
    },
  }
}

/**
 * The calls of the previous window count in proportion to the share of that window that still lies within one period.
 * This assumes that they came evenly.
 *
 * If no earlier call counts any more, a window begins with the call. Otherwise it begins at the end of the previous
 * window.
 */
function slidingWindow(counter: LimitCounter | undefined, { periodMs, limit }: Rule, now: number): Counts {
  const found = counter === undefined ? undefined : windowsOf(counter, periodMs, limit, now)
  const weighted = found === undefined ? 0 : Math.floor((found.previous * Math.max(0, found.end - now)) / periodMs)
  const used = weighted + (found?.current ?? 0)
  const { current, previous, end } =
    found !== undefined && used > 0 ? found : { current: 0, previous: 0, end: now + periodMs }
  return {
    used,
    resetAt: end,
    isTooFar: counter !== undefined && counter.expiresAt > now + 2 * periodMs,
    retryAt(cost) {
      const left = limit - cost
      // The calls of the previous window are rounded down, so they count less as soon as they fall below the next whole
      // number.
      const until = (calls: number, allowed: number, windowEnd: number) =>
        Math.floor(windowEnd - (periodMs * (allowed + 1)) / calls) + 1
      if (current <= left) return previous === 0 ? now : until(previous, left - current, end)
      return Math.max(end, until(current, left, end + periodMs))
    },
    after(cost) {
      // No earlier call counts, so there is nothing to give back.
      if (used === 0 && cost < 0) return { number: '0', expiresAt: 0 }
      const calls = current + cost
      const before = Math.max(0, previous + Math.min(0, calls))
      return { number: packWindows(Math.max(0, calls), before), expiresAt: end + periodMs }
    },
  }
}

function windowsOf({ number, expiresAt }: LimitCounter, periodMs: number, limit: number, now: number) {
  const calls = wholePart(number)
  // Bound the end to one period from now, because the clock may have been set back, or the period shortened.
  const end = Math.min(expiresAt - periodMs, now + periodMs)
  if (end > now) return { current: calls, previous: Math.min(fractionPart(number, PREVIOUS_DIGITS), limit), end }
  return { current: 0, previous: Math.min(calls, limit), end: end + periodMs }
}

function packWindows(current: number, previous: number): string {
  return previous === 0 ? String(current) : `${current}.${String(previous).padStart(PREVIOUS_DIGITS, '0')}`
}

/** Tokens come back in whole refills, so that the time since the last one is not lost. A full bucket has no counter. */
function tokenBucket(counter: LimitCounter | undefined, { periodMs, limit, refill }: Rule, now: number): Counts {
  const periods = (tokens: number) => Math.min(Math.ceil(tokens / refill) * periodMs, MAX_REFILL_MS)
  const missing = counter === undefined ? 0 : wholePart(counter.number)
  // Bound the last refill to now, because the clock may have been set back, or the period changed.
  const stored = (counter?.expiresAt ?? now) - periods(missing)
  const last = Math.min(stored, now)
  const refills = Math.floor((now - last) / periodMs)
  const used = Math.max(0, missing - refills * refill)
  const refilledAt = used === 0 ? now : last + refills * periodMs
  return {
    used,
    resetAt: refilledAt + periods(used),
    isTooFar: stored > now,
    retryAt: (cost) => refilledAt + periods(used + cost - limit),
    after(cost) {
      const tokens = Math.max(0, used + cost)
      return { number: String(tokens), expiresAt: refilledAt + periods(tokens) }
    },
  }
}
