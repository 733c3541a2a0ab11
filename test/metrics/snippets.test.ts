import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { migrate } from 'pgstash/migrate'
import { beforeAll, expect, it, vi } from 'vitest'
import worker from '../../docs/snippets/telemetry/analytics-engine.ts'
import * as logging from '../../docs/snippets/telemetry/listener.ts'
import { shop } from '../../docs/snippets/telemetry/metrics.ts'
import { shopCache } from '../../docs/snippets/telemetry/open-telemetry.ts'
import * as several from '../../docs/snippets/telemetry/several-listeners.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

let neon: Awaited<ReturnType<typeof createNeon>>

beforeAll(async () => {
  neon = await createNeon(await createDatabase())
  await migrate(neon.db)
})

it('listener.ts logs an error without stored data', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  const cache = logging.cacheOf(neon.db)
  await cache.set('text', 'secret')
  await cache.increment('text').catch(() => {})
  expect(error.mock.calls).toMatchObject([['cache', 'increment', { code: 'NOT_A_NUMBER' }]])
  error.mockRestore()
})

it('metrics.ts returns its hit rate', async () => {
  const { product, health } = shop(neon.db)
  for (let i = 0; i < 4; i++) expect(await product('1')).toEqual({ id: '1', price: 42 })
  expect(await health().json()).toEqual({ hits: 3, misses: 1, rate: 0.75, errors: 0 })
})

it('open-telemetry.ts records with the SDK of the application', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(provider)
  cleanup(() => {
    metrics.disable()
    return provider.shutdown()
  })
  await shopCache(neon.db).get('missing')
  await provider.forceFlush()
  const [scope] = exporter.getMetrics()[0]?.scopeMetrics ?? []
  expect(scope?.scope.name).toBe('pgstash')
  expect(scope?.metrics.map(({ descriptor }) => descriptor.name)).toEqual([
    'pgstash.operation.duration',
    'pgstash.entries',
    'pgstash.round_trips',
  ])
  expect(scope?.metrics[0]?.dataPoints[0]?.attributes).toMatchObject({ 'cache.name': 'shop' })
})

it('analytics-engine.ts writes the events of its cache', async () => {
  const indexes: unknown[] = []
  const env = {
    DATABASE_URL: neon.server.connectionString,
    CACHE_EVENTS: { writeDataPoint: (point?: { indexes?: string[] }) => indexes.push(...(point?.indexes ?? [])) },
  }
  const page = async () => (await worker.fetch(new Request('https://example.com/page'), env)).text()
  expect(await page()).toBe(await page())
  expect(indexes).toEqual(['pages:miss', 'pages:fill', 'pages:hit'])
})

it('several-listeners.ts calls all of them', async () => {
  const listeners = [vi.fn(), vi.fn()]
  await several.cacheOf(neon.db, listeners).get('missing')
  for (const listener of listeners) expect(listener).toHaveBeenCalledOnce()
})
