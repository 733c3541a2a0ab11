/** Checks and parses the arguments of a cache's methods, before any request. */

import type { CacheSnapshot, ClearExpiredOptions, ClearOptions, CounterOptions, WriteOptions } from '../cache.ts'
import type { SweepInput } from '../store/inputs.ts'
import type { CountInput, WriteInput } from '../store/store.ts'
import { now } from '../values/clock.ts'
import {
  CounterRangeError,
  describeType,
  InvalidDeltaError,
  InvalidExpirationError,
  InvalidKeyError,
} from '../values/errors.ts'
import { boundedSpan, parsePeriod } from '../values/expiration.ts'
import { isPlain } from '../values/json-loss.ts'
import { prefixScope, type Scope, storedTags } from '../values/key.ts'
import { boolean, optionalFunction, optionalSignal, optionsObject, wholeNumber } from '../values/options.ts'
import { ignoreRejection, isThenable, withoutRejection } from '../values/promises.ts'
import { checkedSnapshot } from '../values/snapshot.ts'
import { milliseconds } from '../values/time-span.ts'
import { deadlineOf, type Settings } from './settings.ts'

export interface GetOptions {
  fallback?: unknown
  sliding?: unknown
}

const PLAIN_GET = { fallback: undefined, ttlMs: undefined }

/** @throws InvalidOptionError, InvalidExpirationError */
export function parseGet(options: GetOptions | undefined): { fallback: unknown; ttlMs: number | undefined } {
  if (options === undefined) return PLAIN_GET
  const { fallback, sliding } = optionsObject<GetOptions>(options, ['fallback', 'sliding'])
  return { fallback, ttlMs: sliding === undefined ? undefined : parsePeriod(sliding, 'sliding', now()) }
}

/** Returns how far from now a sliding read moves the deadline, in milliseconds. */
export function slidingLifeMs(ttlMs: number, slack: number): number {
  return boundedSpan(ttlMs * (1 + slack), now())
}

/** @throws InvalidOptionError, InvalidExpirationError, InvalidKeyError */
export function parseWrite(settings: Pick<Settings, 'expiration'>, options: WriteOptions | undefined): WriteInput {
  const { expiration, tags, asOf } = optionsObject<WriteOptions>(options, ['expiration', 'tags', 'asOf'])
  return { deadline: deadlineOf(settings, expiration), tags: storedTags(tags), asOf: checkedSnapshot(asOf) }
}

/** Reads the entries of `setMany`. @throws InvalidKeyError */
export function parsePairs(entries: unknown): (readonly [string, unknown])[] {
  if (typeof entries !== 'object' || entries === null) throw notPairs(entries)
  if (!(Symbol.iterator in entries)) return fieldsOf(entries)
  return Array.from(entries as Iterable<unknown>, (pair) => {
    if (Array.isArray(pair) && pair.length >= 2) return [pair[0], pair[1]] as const
    throw new InvalidKeyError(
      `Expected an iterable of [key, value] pairs, got one that contains ${describeType(pair)}.`,
    )
  })
}

/** Returns the entries of an object. Refuses an object whose data is not in fields, because nothing would be stored. */
function fieldsOf(entries: object): (readonly [string, unknown])[] {
  const fields = Object.entries(entries)
  const hasOtherData =
    Symbol.asyncIterator in entries ||
    isThenable(entries) ||
    Object.prototype.toString.call(entries) !== '[object Object]' ||
    (fields.length === 0 && !isPlain(entries))
  if (!hasOtherData) return fields
  // The caller gets the error below. An unhandled rejection of the promise would also end the process.
  ignoreRejection(entries)
  throw notPairs(entries, isThenable(entries) ? ' Await it.' : '')
}

function notPairs(entries: unknown, remedy = ''): InvalidKeyError {
  const got = describeType(entries)
  return new InvalidKeyError(`Expected an object or an iterable of [key, value] pairs, got ${got}.${remedy}`)
}

/** @throws InvalidDeltaError, InvalidOptionError, InvalidExpirationError, CounterRangeError */
export function parseCount(
  settings: Pick<Settings, 'expiration'>,
  delta: unknown,
  sign: 1 | -1,
  options: CounterOptions | undefined,
): CountInput {
  if (typeof delta !== 'number' || !Number.isFinite(delta)) {
    throw new InvalidDeltaError(`Expected a delta to be a finite number, got ${describeType(delta)}.`)
  }
  const { expiration, sliding = false } = optionsObject<CounterOptions>(options, ['expiration', 'sliding'])
  const deadline = deadlineOf(settings, expiration)
  if (boolean('sliding', sliding) && !(deadline.kind === 'after' && deadline.ms > 0)) {
    throw new InvalidExpirationError('Expected a positive span as the expiration of a sliding counter.')
  }
  // With a larger delta, a sum could still be in range, but its last digits would be noise.
  if (Math.abs(delta) > Number.MAX_SAFE_INTEGER) throw new CounterRangeError()
  return { delta: String(delta * sign), sliding, deadline }
}

/** Parses the tags of `invalidate`. Returns null for an empty list. @throws InvalidKeyError */
export function parseTags(tags: string | Iterable<string>): string[] | null {
  // Accepting undefined would silently leave old data in place.
  if (tags === undefined) throw new InvalidKeyError('Expected a tag or an iterable of tags, got undefined.')
  return storedTags(tags)
}

/**
 * Returns the scope that `clear` deletes. Refuses a prefix of `undefined`, because it would delete everything.
 *
 * @throws InvalidOptionError, InvalidKeyError
 */
export function parseClear(scope: Scope, options: ClearOptions): Scope {
  const { prefix } = optionsObject<ClearOptions>(options, ['prefix'])
  return prefixScope(scope, prefix)
}

/**
 * Deleting a batch takes some tens of milliseconds, so locks are short. A run of 40 requests removes 200,000 entries.
 */
export const DEFAULT_BATCH = 5_000
export const MAX_BATCH = 100_000

/** @throws InvalidOptionError */
export function parseSweep(options: ClearExpiredOptions | undefined): SweepInput {
  const {
    batch = DEFAULT_BATCH,
    timeBudget,
    onProgress,
    signal,
  } = optionsObject<ClearExpiredOptions>(options, ['batch', 'timeBudget', 'onProgress', 'signal'])
  wholeNumber('batch', batch, 1, MAX_BATCH)
  optionalFunction('onProgress', onProgress)
  return {
    batch,
    timeBudget: timeBudget === undefined ? Number.POSITIVE_INFINITY : budgetMs(timeBudget),
    onProgress: withoutRejection(onProgress),
    signal: optionalSignal(signal),
  }
}

/** Returns the option `timeBudget` in milliseconds. @throws InvalidOptionError */
export function budgetMs(timeBudget: unknown): number {
  return milliseconds('timeBudget', timeBudget, { numbers: 'milliseconds' })
}

/** Gives the text of a snapshot the type that callers see. */
export function asSnapshot(text: string): CacheSnapshot {
  return text as CacheSnapshot
}
