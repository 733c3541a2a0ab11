/** Records events as OpenTelemetry metrics. Names and units follow its semantic conventions, 1.x. */
import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { CacheEvent, EventListener } from '../values/events.ts'
import { optionsObject } from '../values/options.ts'
import { factsOf } from './facts.ts'

/** The attributes of a measurement, by name. */
export type OpenTelemetryAttributes = Record<string, string | number | boolean>

interface InstrumentOptions {
  description: string
  unit: string
  advice?: { explicitBucketBoundaries: number[] }
}

/**
 * The part of a `Meter` of `@opentelemetry/api` that is used, typed by shape, so that the package is not a dependency.
 */
export interface OpenTelemetryMeter {
  /** Creates a counter. */
  createCounter(
    name: string,
    options: InstrumentOptions,
  ): { add(value: number, attributes: OpenTelemetryAttributes): void }
  /** Creates a histogram. */
  createHistogram(
    name: string,
    options: InstrumentOptions,
  ): { record(value: number, attributes: OpenTelemetryAttributes): void }
}

/** Options of the listener for OpenTelemetry. */
export interface OpenTelemetryOptions {
  /**
   * Attributes of every measurement, for example to distinguish caches. Default: none. Use few, as each creates a
   * series.
   */
  attributes?: OpenTelemetryAttributes | undefined
}

/**
 * The buckets of `db.client.operation.duration` in the semantic conventions. The SDK's default buckets are meant for
 * milliseconds, so all durations in seconds would fall into the first two.
 */
const DURATION_BUCKETS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/**
 * Creates a listener for `onEvent` that records a cache's events with an OpenTelemetry meter.
 *
 * Histograms in seconds `pgstash.operation.duration`, `pgstash.wait.duration`, `pgstash.compute.duration`; counters
 * `pgstash.entries`, `pgstash.round_trips`, `pgstash.value.io` (bytes). Attributes are `pgstash.operation.name`,
 * `pgstash.event.type`, `pgstash.event.outcome`, `error.type`, `db.response.status_code`; keys and values are never
 * recorded.
 *
 * The instruments are created at the first event, so that you can call this at module level. A meter that fails never
 * fails the cache.
 *
 * @param meter the result of `metrics.getMeter('pgstash')`. Call it after the SDK is set up: an earlier meter never
 *   records anything.
 * @throws InvalidOptionError
 * @example
 * const cache = createCache(db, { onEvent: openTelemetryListener(metrics.getMeter('pgstash')) })
 */
export function openTelemetryListener(meter: OpenTelemetryMeter, options?: OpenTelemetryOptions): EventListener {
  if (typeof meter?.createCounter !== 'function' || typeof meter.createHistogram !== 'function') {
    throw new InvalidOptionError(`Expected a meter of @opentelemetry/api, got ${describeType(meter)}.`)
  }
  const { attributes } = optionsObject<OpenTelemetryOptions>(options, ['attributes'])
  const common = checkedAttributes(attributes)
  let instruments: Instruments | undefined
  return (event) => {
    try {
      instruments ??= createInstruments(meter)
      record(instruments, event, { ...common, ...attributesOf(event) })
    } catch {
      // Ignore the error, so that the cache and other listeners go on.
    }
  }
}

type Instruments = ReturnType<typeof createInstruments>

function createInstruments(meter: OpenTelemetryMeter) {
  const duration = (name: string, description: string) =>
    meter.createHistogram(name, {
      description,
      unit: 's',
      advice: { explicitBucketBoundaries: [...DURATION_BUCKETS_S] },
    })
  return {
    operation: duration(
      'pgstash.operation.duration',
      'Duration of a call of the cache, or of storing a computed value.',
    ),
    wait: duration('pgstash.wait.duration', "Time that a call waited for another call's computation."),
    compute: duration('pgstash.compute.duration', 'Duration of a computation of a value.'),
    entries: meter.createCounter('pgstash.entries', {
      description: 'Entries found, missed, written or removed; tags invalidated.',
      unit: '{entry}',
    }),
    roundTrips: meter.createCounter('pgstash.round_trips', {
      description: 'Requests sent to the database, retries included.',
      unit: '{round_trip}',
    }),
    io: meter.createCounter('pgstash.value.io', {
      description: 'Size of the values moved to or from the database, as encoded.',
      unit: 'By',
    }),
  }
}

function record(instruments: Instruments, event: CacheEvent, attributes: OpenTelemetryAttributes): void {
  const { operation, wait, compute, entries, roundTrips, io } = instruments
  const duration = event.type === 'wait' ? wait : operation
  duration.record(seconds(event.durationMs), attributes)
  if ('computeMs' in event) compute.record(seconds(event.computeMs), attributes)
  if ('count' in event) entries.add(event.count, attributes)
  // Skip zeros: they would create a series for every operation that sends nothing.
  if (event.roundTrips > 0) roundTrips.add(event.roundTrips, attributes)
  if (event.bytes > 0) io.add(event.bytes, attributes)
}

function attributesOf(event: CacheEvent): OpenTelemetryAttributes {
  const { outcome, errorType, sqlState } = factsOf(event)
  return {
    'pgstash.operation.name': event.operation,
    'pgstash.event.type': event.type,
    ...(outcome === undefined ? {} : { 'pgstash.event.outcome': outcome }),
    ...(errorType === undefined ? {} : { 'error.type': errorType }),
    ...(sqlState === undefined ? {} : { 'db.response.status_code': sqlState }),
  }
}

/** Returns seconds, never negative: the clock may have been set back, and a histogram refuses a negative duration. */
function seconds(ms: number): number {
  return Math.max(0, ms) / 1_000
}

function checkedAttributes(attributes: unknown = {}): OpenTelemetryAttributes {
  const isObject = typeof attributes === 'object' && attributes !== null && !Array.isArray(attributes)
  if (!isObject) throw new InvalidOptionError(`Expected attributes to be an object, got ${describeType(attributes)}.`)
  for (const value of Object.values(attributes)) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new InvalidOptionError(
        `Expected each attribute to be a string, a number or a boolean, got ${describeType(value)}.`,
      )
    }
  }
  return { ...attributes }
}
