/**
 * `pgstash/telemetry`: listeners for `onEvent` that report to OpenTelemetry, Cloudflare's Analytics Engine, or the
 * database.
 */
export {
  type AnalyticsEngineBinding,
  type AnalyticsEngineOptions,
  analyticsEngineColumns,
  analyticsEngineListener,
} from './analytics-engine.ts'
export { type HistoryListener, type HistoryOptions, historyListener } from './history.ts'
export {
  type OpenTelemetryAttributes,
  type OpenTelemetryMeter,
  type OpenTelemetryOptions,
  openTelemetryListener,
} from './open-telemetry.ts'
