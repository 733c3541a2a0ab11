import { metrics } from '@opentelemetry/api'
import { createCache, type Database } from 'pgstash'
import { openTelemetryListener } from 'pgstash/telemetry'

export function shopCache(db: Database) {
  // After the SDK was set up: a meter taken before that records nothing, for good.
  const meter = metrics.getMeter('pgstash')
  return createCache(db, {
    namespace: 'shop',
    onEvent: openTelemetryListener(meter, { attributes: { 'cache.name': 'shop' } }),
  })
}
