import { readFileSync } from 'node:fs'
import type { AnalyticsEngineDataPoint, AnalyticsEngineDataset } from '@cloudflare/workers-types'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache, InvalidOptionError } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { type AnalyticsEngineBinding, analyticsEngineColumns, analyticsEngineListener } from 'pgstash/telemetry'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { EVENTS, FOREIGN_ERROR, SECRET } from './events.ts'

const DOCUMENT = readFileSync(new URL('../../docs/guides/telemetry.md', import.meta.url), 'utf8')

/** A dataset of the right type that records its data points. Its method needs its `this`, like the real one's. */
class Recorder implements AnalyticsEngineDataset {
  readonly #points: AnalyticsEngineDataPoint[] = []
  get points(): readonly AnalyticsEngineDataPoint[] {
    return this.#points
  }
  writeDataPoint(point: AnalyticsEngineDataPoint = {}): void {
    this.#points.push(point)
  }
  /** The rows with the column names of a query. */
  rows(): Record<string, unknown>[] {
    return this.#points.map(({ indexes = [], blobs = [], doubles = [] }) =>
      Object.fromEntries([
        ...indexes.map((value, i) => [`index${i + 1}`, value]),
        ...blobs.map((value, i) => [`blob${i + 1}`, value]),
        ...doubles.map((value, i) => [`double${i + 1}`, value]),
      ]),
    )
  }
}

describe('the listener for Analytics Engine', () => {
  it('accepts the dataset of a Worker', () => {
    expectTypeOf<AnalyticsEngineDataset>().toExtend<AnalyticsEngineBinding>()
  })

  it('writes a data point for each event', () => {
    const dataset = new Recorder()
    const listener = analyticsEngineListener(dataset)
    for (const event of [EVENTS.hit, EVENTS.refuse, EVENTS.wait, EVENTS.error]) listener(event)
    expect(dataset.points).toEqual([
      {
        indexes: ['pgstash:hit'],
        blobs: ['pgstash', 'getMany', 'hit', '', '', ''],
        doubles: [1, 3, 4, 1, 200, 0],
      },
      {
        indexes: ['pgstash:refuse'],
        blobs: ['pgstash', 'getOrSet', 'refuse', 'overtaken', '', ''],
        doubles: [1, 1, 5, 1, 80, 40],
      },
      {
        indexes: ['pgstash:wait'],
        blobs: ['pgstash', 'getOrSet', 'wait', 'took_over', '', ''],
        doubles: [1, 1, 700, 4, 0, 0],
      },
      {
        indexes: ['pgstash:error'],
        blobs: ['pgstash', 'get', 'error', 'circuit_opened', 'DATABASE', '53300'],
        doubles: [1, 1, 5_000, 2, 0, 0],
      },
    ])
  })

  it('writes into the columns of analyticsEngineColumns and the docs', () => {
    const dataset = new Recorder()
    analyticsEngineListener(dataset, { name: 'shop' })(EVENTS.fill)
    const [row = {}] = dataset.rows()
    const named = Object.fromEntries(Object.entries(analyticsEngineColumns).map(([name, at]) => [name, row[at]]))
    expect(named).toEqual({
      index: 'shop:fill',
      cache: 'shop',
      operation: 'getOrSet',
      type: 'fill',
      outcome: '',
      errorType: '',
      sqlState: '',
      weight: 1,
      count: 1,
      durationMs: 9,
      roundTrips: 1,
      bytes: 70,
      computeMs: 250,
    })
    expect(Object.keys(row).sort()).toEqual(Object.values(analyticsEngineColumns).sort())
    const documented = [...DOCUMENT.matchAll(/^\| `((?:index|blob|double)\d+)` \| `(\w+)` \|/gm)]
    expect(Object.fromEntries(documented.map(([, at, name]) => [name, at]))).toEqual(analyticsEngineColumns)
  })

  it('writes no key, and only the code of an error', () => {
    const dataset = new Recorder()
    const listener = analyticsEngineListener(dataset)
    for (const event of [...Object.values(EVENTS), FOREIGN_ERROR]) listener(event)
    expect(dataset.points).toHaveLength(13)
    expect(JSON.stringify(dataset.points)).not.toContain(SECRET)
    expect(dataset.rows().at(-1)?.[analyticsEngineColumns.errorType]).toBe('_OTHER')
  })

  it('stays within the limits of a data point, with the longest name', () => {
    const dataset = new Recorder()
    const listener = analyticsEngineListener(dataset, { name: 'ü'.repeat(42) })
    for (const event of Object.values(EVENTS)) listener(event)
    for (const { indexes = [], blobs = [], doubles = [] } of dataset.points) {
      expect([indexes.length, blobs.length <= 20, doubles.length <= 20]).toEqual([1, true, true])
      expect(Buffer.byteLength(String(indexes[0]))).toBeLessThanOrEqual(96)
      expect(doubles.every(Number.isFinite)).toBe(true)
    }
  })

  it('samples the events with matching weights, and writes every error', () => {
    const dataset = new Recorder()
    let turn = 0
    const random = () => (turn++ % 10) / 10
    const listener = analyticsEngineListener(dataset, { sampleRate: 0.2, random })
    for (let i = 0; i < 1_000; i++) listener(EVENTS.stale)
    for (let i = 0; i < 3; i++) listener(EVENTS.error)
    const rows = dataset.rows()
    expect(rows).toHaveLength(203)
    const sum = (type: string) =>
      rows
        .filter((row) => row[analyticsEngineColumns.type] === type)
        .reduce((total, row) => total + Number(row[analyticsEngineColumns.weight]), 0)
    expect([sum('stale'), sum('error')]).toEqual([1_000, 3])
  })

  it('receives the events of a cache', async () => {
    const db = drizzle(createPool(await createDatabase()))
    await migrate(db)
    const dataset = new Recorder()
    const cache = createCache(db, { onEvent: analyticsEngineListener(dataset), eventKeys: true })
    await cache.set('key', 'value')
    await cache.get('key')
    await cache.getOrSet('computed', () => 'new')
    const { operation, type, bytes } = analyticsEngineColumns
    expect(dataset.rows().map((row) => [row[operation], row[type], row[bytes]])).toEqual([
      ['set', 'write', 7],
      ['get', 'hit', 7],
      ['getOrSet', 'miss', 0],
      ['getOrSet', 'fill', 5],
    ])
  })

  it('never throws, so that later listeners are called', () => {
    const listener = analyticsEngineListener({
      writeDataPoint() {
        throw new Error('limit exceeded')
      },
    })
    for (const event of Object.values(EVENTS)) expect(() => listener(event)).not.toThrow()
  })

  it('refuses a value that is not a dataset, and options out of range', () => {
    for (const none of [undefined, null, {}, 'dataset']) {
      expect(() => analyticsEngineListener(none as never)).toThrow(InvalidOptionError)
    }
    const dataset = new Recorder()
    const wrong = [
      { name: '' },
      { name: 'x'.repeat(86) },
      { name: 1 },
      { sampleRate: 0 },
      { sampleRate: 1.1 },
      { sampleRate: Number.NaN },
      { sampleRate: '1' },
      { random: 0.5 },
      { index: 'shop' },
    ]
    for (const options of wrong) {
      expect(() => analyticsEngineListener(dataset, options as never), JSON.stringify(options)).toThrow(
        InvalidOptionError,
      )
    }
  })
})
