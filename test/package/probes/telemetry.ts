/** `pgstash/telemetry` and `withMetrics`: what a cache does on the edge is told and counted. */
import { eq, sql } from 'drizzle-orm'
import { createCache, withMetrics } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheHistory } from 'pgstash/schema'
import { analyticsEngineListener, historyListener, openTelemetryListener } from 'pgstash/telemetry'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const indexes: unknown[] = []
  const analytics = analyticsEngineListener({ writeDataPoint: (point) => indexes.push(...(point?.indexes ?? [])) })
  const sums: Record<string, number> = {}
  const openTelemetry = openTelemetryListener({
    createCounter: (name) => ({
      add(value) {
        sums[name] = (sums[name] ?? 0) + value
      },
    }),
    createHistogram: () => ({ record() {} }),
  })
  const name = `telemetry ${env.RUNTIME}`
  const history = historyListener(db, { name })
  const cache = withMetrics(
    createCache(db, {
      timeout: 60_000,
      namespace: name,
      onEvent(event) {
        analytics(event)
        openTelemetry(event)
        history(event)
      },
    }),
  )
  await cache.clear()
  await cache.getOrSet('key', () => 'value')
  await cache.getOrSet('key', () => 'other')
  await cache.get('missing')
  await history.flush()
  const [recorded] = await db
    .select({ hits: sql<string>`sum(${cacheHistory.hits})`, misses: sql<string>`sum(${cacheHistory.misses})` })
    .from(cacheHistory)
    .where(eq(cacheHistory.name, name))
  return { indexes, sums, metrics: cache.metrics(), recorded }
}

export const expected = {
  indexes: ['pgstash:delete', 'pgstash:miss', 'pgstash:fill', 'pgstash:hit', 'pgstash:miss'],
  sums: { 'pgstash.entries': 3, 'pgstash.round_trips': 5, 'pgstash.value.io': 14 },
  metrics: { hits: 1, misses: 2, rate: 1 / 3, errors: 0 },
  recorded: { hits: '1', misses: '2' },
}
