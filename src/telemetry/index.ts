/** `pgstash/telemetry`: listeners for `onEvent` that tell OpenTelemetry or Cloudflare's Analytics Engine. */
export {
  type AnalyticsEngineBinding,
  type AnalyticsEngineOptions,
  analyticsEngineColumns,
  analyticsEngineListener,
} from './analytics-engine.ts'
export {
  type OpenTelemetryAttributes,
  type OpenTelemetryMeter,
  type OpenTelemetryOptions,
  openTelemetryListener,
} from './open-telemetry.ts'
