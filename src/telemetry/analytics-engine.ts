/**
 * Writes events as data points of Cloudflare Workers Analytics Engine.
 *
 * A data point may have 20 blobs of 16 KB together, 20 doubles and one index of 96 bytes. An invocation may write 250
 * data points. An event is one data point of a few hundred bytes, so only the last limit matters. Use `sampleRate` if a
 * request makes hundreds of calls.
 *
 * Rejected: adding up events. All requests of an isolate share a cache, and an isolate can end at any time. So sums
 * would be lost, or written by the wrong request. Analytics Engine weights samples anyway.
 */
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { type CacheEvent, type EventListener, utf8Bytes } from '../values/events.ts'
import { optionalFunction, optionsObject } from '../values/options.ts'
import { randomNumber } from '../values/random.ts'
import { factsOf } from './facts.ts'

/**
 * The part of an Analytics Engine binding that is used. `AnalyticsEngineDataset` of `@cloudflare/workers-types` fits.
 */
export interface AnalyticsEngineBinding {
  /** Writes a data point. Returns at once, and the platform sends it. */
  writeDataPoint(point?: { indexes?: string[]; blobs?: string[]; doubles?: number[] }): void
}

/** Options of the listener for Analytics Engine. */
export interface AnalyticsEngineOptions {
  /** The name that distinguishes caches in one dataset. At most 85 bytes, default `pgstash`. */
  name?: string | undefined
  /** The share of events to write, above 0 and up to 1. Default 1. Errors are always written. */
  sampleRate?: number | undefined
  /** Returns a number from 0 up to, but not including, 1, which decides what is sampled. Default: from `crypto`. */
  random?: (() => number) | undefined
}

const BLOBS = ['cache', 'operation', 'type', 'outcome', 'errorType', 'sqlState'] as const
const DOUBLES = ['weight', 'count', 'durationMs', 'roundTrips', 'bytes', 'computeMs'] as const

type Column = (typeof BLOBS | typeof DOUBLES)[number]

/**
 * The column of each field, for queries. The order is part of the public interface: it never changes, and new fields
 * come last.
 *
 * @example
 * const { weight, count } = analyticsEngineColumns
 * const sql = `select sum(_sample_interval * ${weight} * ${count}) as entries from cache_events`
 */
export const analyticsEngineColumns = Object.freeze({
  index: 'index1',
  ...columns('blob', BLOBS),
  ...columns('double', DOUBLES),
}) as Readonly<Record<Column | 'index', string>>

const DEFAULT_NAME = 'pgstash'
const MAX_INDEX_BYTES = 96
/** The index contains the event type after the name. The longest type is `invalidate`. */
const MAX_NAME_BYTES = MAX_INDEX_BYTES - ':invalidate'.length

/**
 * Creates a listener for `onEvent` that writes each event of a cache as a data point, never keys or values.
 *
 * The index is `name:type`. Analytics Engine samples each index separately, so rare errors are not lost among the hits.
 * Queries must weight sums with `_sample_interval * weight`. A dataset that fails never fails the cache.
 *
 * Each event costs one of the 250 data points that an invocation may write. The listener does not wait for the write.
 *
 * @param dataset a binding to Workers Analytics Engine
 * @throws InvalidOptionError
 * @example
 * const onEvent = analyticsEngineListener(env.CACHE_EVENTS, { name: 'shop', sampleRate: 0.1 })
 * const cache = createCache(drizzle(env.DATABASE_URL), { onEvent })
 */
export function analyticsEngineListener(
  dataset: AnalyticsEngineBinding,
  options?: AnalyticsEngineOptions,
): EventListener {
  if (typeof dataset?.writeDataPoint !== 'function') {
    throw new InvalidOptionError(`Expected an Analytics Engine dataset, got ${describeType(dataset)}.`)
  }
  const {
    name = DEFAULT_NAME,
    sampleRate = 1,
    random = randomNumber,
  } = optionsObject<AnalyticsEngineOptions>(options, ['name', 'sampleRate', 'random'])
  const cache = checkedName(name)
  const rate = checkedRate(sampleRate)
  optionalFunction('random', random)
  return (event) => {
    try {
      const share = event.type === 'error' ? 1 : rate
      if (share < 1 && random() >= share) return
      const row = rowOf(event, cache, 1 / share)
      dataset.writeDataPoint({
        indexes: [`${cache}:${event.type}`],
        blobs: BLOBS.map((column) => row[column]),
        doubles: DOUBLES.map((column) => row[column]),
      })
    } catch {
      // Ignore the error, so that the cache and other listeners go on.
    }
  }
}

function rowOf(event: CacheEvent, cache: string, weight: number) {
  const { outcome = '', errorType = '', sqlState = '' } = factsOf(event)
  const { operation, type, durationMs, roundTrips, bytes } = event
  const count = 'count' in event ? event.count : 1
  const computeMs = 'computeMs' in event ? event.computeMs : 0
  return {
    cache,
    operation,
    type,
    outcome,
    errorType,
    sqlState,
    weight,
    count,
    durationMs,
    roundTrips,
    bytes,
    computeMs,
  }
}

function columns(kind: 'blob' | 'double', names: readonly Column[]): Partial<Record<Column, string>> {
  return Object.fromEntries(names.map((name, i) => [name, `${kind}${i + 1}`]))
}

function checkedName(name: unknown): string {
  if (typeof name === 'string' && name !== '' && utf8Bytes(name) <= MAX_NAME_BYTES) return name
  const received = typeof name === 'string' ? `${utf8Bytes(name)} bytes` : describeType(name)
  throw new InvalidOptionError(`Expected name to be a string of 1 to ${MAX_NAME_BYTES} bytes, got ${received}.`)
}

function checkedRate(rate: unknown): number {
  if (typeof rate === 'number' && rate > 0 && rate <= 1) return rate
  throw new InvalidOptionError(`Expected sampleRate to be a number above 0 and up to 1, got ${describeType(rate)}.`)
}
