import type { Meter } from '@opentelemetry/api'
import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache, InvalidOptionError } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { openTelemetryListener } from 'pgstash/telemetry'
import { describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { EVENTS, FOREIGN_ERROR, SECRET } from './events.ts'

/** The real SDK. `metrics` exports the recorded metrics by name. */
function sdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  cleanup(() => provider.shutdown())
  const meter: Meter = provider.getMeter('pgstash')
  return {
    meter,
    async metrics(): Promise<Record<string, MetricData>> {
      await provider.forceFlush()
      const scopes = exporter.getMetrics().at(-1)?.scopeMetrics ?? []
      return Object.fromEntries(scopes.flatMap(({ metrics }) => metrics).map((data) => [data.descriptor.name, data]))
    },
  }
}

/** Attributes and value of each series. For a histogram, its sum. */
function series(data: MetricData | undefined) {
  return data?.dataPoints.map(({ attributes, value }) => [
    attributes,
    typeof value === 'object' ? (value as Histogram).sum : value,
  ])
}

const attributes = (operation: string, type: string, more: object = {}) => ({
  'pgstash.operation.name': operation,
  'pgstash.event.type': type,
  ...more,
})

describe('the listener for OpenTelemetry', () => {
  it('records each event once, durations in seconds', async () => {
    const { meter, metrics } = sdk()
    const listener = openTelemetryListener(meter)
    for (const event of Object.values(EVENTS)) listener(event)
    const found = await metrics()

    expect(series(found['pgstash.operation.duration'])).toEqual([
      [attributes('getMany', 'hit'), 0.004],
      [attributes('getMany', 'miss'), 0.004],
      [attributes('getOrSet', 'stale'), 0.006],
      [attributes('set', 'write'), 0.007],
      [attributes('touch', 'touch'), 0.008],
      [attributes('clear', 'delete'), 0.09],
      [attributes('invalidate', 'invalidate'), 0.003],
      [attributes('clearExpired', 'cleanup'), 1.5],
      [attributes('getOrSet', 'fill'), 0.009],
      [attributes('getOrSet', 'refuse', { 'pgstash.event.outcome': 'overtaken' }), 0.005],
      [
        attributes('get', 'error', {
          'pgstash.event.outcome': 'circuit_opened',
          'error.type': 'DATABASE',
          'db.response.status_code': '53300',
        }),
        5,
      ],
    ])
    expect(series(found['pgstash.wait.duration'])).toEqual([
      [attributes('getOrSet', 'wait', { 'pgstash.event.outcome': 'took_over' }), 0.7],
    ])
    expect(series(found['pgstash.compute.duration'])).toEqual([
      [attributes('getOrSet', 'fill'), 0.25],
      [attributes('getOrSet', 'refuse', { 'pgstash.event.outcome': 'overtaken' }), 0.04],
    ])
    expect(total(found['pgstash.entries'])).toBe(3 + 2 + 1 + 1 + 40 + 2 + 500)
    expect(total(found['pgstash.round_trips'])).toBe(18)
    expect(total(found['pgstash.value.io'])).toBe(460)
  })

  it('uses the names and units of the semantic conventions', async () => {
    const { meter, metrics } = sdk()
    const listener = openTelemetryListener(meter)
    for (const event of Object.values(EVENTS)) listener(event)
    const found = Object.values(await metrics())
    expect(found.map(({ descriptor }) => [descriptor.name, descriptor.unit])).toEqual([
      ['pgstash.operation.duration', 's'],
      ['pgstash.wait.duration', 's'],
      ['pgstash.compute.duration', 's'],
      ['pgstash.entries', '{entry}'],
      ['pgstash.round_trips', '{round_trip}'],
      ['pgstash.value.io', 'By'],
    ])
    for (const { descriptor } of found) expect(descriptor.description).toMatch(/^[A-Z].*\.$/)
  })

  it('has buckets fine enough for durations of milliseconds', async () => {
    const { meter, metrics } = sdk()
    const listener = openTelemetryListener(meter)
    for (const durationMs of [0.5, 4, 40, 400, 4_000]) listener({ ...EVENTS.hit, durationMs })
    const [point] = (await metrics())['pgstash.operation.duration']?.dataPoints ?? []
    expect(point?.value).toMatchObject({
      buckets: {
        boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
        counts: [1, 1, 0, 1, 0, 1, 0, 1, 0, 0],
      },
    })
  })

  it('records no key, and only the code of an error', async () => {
    const { meter, metrics } = sdk()
    const listener = openTelemetryListener(meter)
    for (const event of [...Object.values(EVENTS), FOREIGN_ERROR]) listener(event)
    const found = await metrics()
    expect(JSON.stringify(found)).not.toContain(SECRET)
    expect(series(found['pgstash.operation.duration'])).toContainEqual([
      attributes('get', 'error', { 'error.type': '_OTHER' }),
      5,
    ])
  })

  it('adds attributes of the caller, copied at creation, which do not override its own', async () => {
    const { meter, metrics } = sdk()
    const own = { 'cache.name': 'shop', 'pgstash.event.type': 'mine' }
    const listener = openTelemetryListener(meter, { attributes: own })
    own['cache.name'] = 'changed'
    listener(EVENTS.stale)
    expect(series((await metrics())['pgstash.entries'])).toEqual([
      [attributes('getOrSet', 'stale', { 'cache.name': 'shop' }), 1],
    ])
  })

  it('receives the events of a cache', async () => {
    const { meter, metrics } = sdk()
    const db = drizzle(createPool(await createDatabase()))
    await migrate(db)
    const cache = createCache(db, { onEvent: openTelemetryListener(meter), eventKeys: true })
    await cache.set('key', 'value')
    await cache.getMany(['key', 'missing'])
    await cache.getOrSet('computed', () => 'new')
    await cache.increment('key').catch(() => {})
    const found = await metrics()
    expect(series(found['pgstash.entries'])).toEqual([
      [attributes('set', 'write'), 1],
      [attributes('getMany', 'hit'), 1],
      [attributes('getMany', 'miss'), 1],
      [attributes('getOrSet', 'miss'), 1],
    ])
    expect(total(found['pgstash.round_trips'])).toBe(5)
    expect(series(found['pgstash.operation.duration'])?.map(([labels]) => labels)).toContainEqual(
      attributes('increment', 'error', { 'error.type': 'NOT_A_NUMBER' }),
    )
  })

  it('creates its instruments at the first event, and tries again if that failed', async () => {
    const { meter, metrics } = sdk()
    let isBroken = true
    const listener = openTelemetryListener({
      createCounter: (...args) => meter.createCounter(...args),
      createHistogram(...args) {
        if (isBroken) throw new Error('not ready')
        return meter.createHistogram(...args)
      },
    })
    listener(EVENTS.stale)
    isBroken = false
    listener(EVENTS.stale)
    expect(total((await metrics())['pgstash.entries'])).toBe(1)
  })

  it('never throws, so that later listeners are called', () => {
    const fail = () => {
      throw new Error('full')
    }
    const listener = openTelemetryListener({
      createCounter: () => ({ add: fail }),
      createHistogram: () => ({ record: fail }),
    })
    for (const event of Object.values(EVENTS)) expect(() => listener(event)).not.toThrow()
  })

  it('refuses a value that is not a meter, and invalid attributes', () => {
    const { meter } = sdk()
    for (const none of [undefined, null, {}, 'meter']) {
      expect(() => openTelemetryListener(none as never)).toThrow(InvalidOptionError)
    }
    for (const options of [{ attributes: 'shop' }, { attributes: { a: {} } }, { attributes: null }, { name: 'shop' }]) {
      expect(() => openTelemetryListener(meter, options as never)).toThrow(InvalidOptionError)
    }
  })
})

function total(data: MetricData | undefined): number {
  return (series(data) ?? []).reduce((sum, [, value]) => sum + Number(value), 0)
}
