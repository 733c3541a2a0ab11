/** `pgstash/cron`: cleanup from a cron trigger. */
export { type CronRouteOptions, cronRoute } from './cron-route.ts'
export { type ScheduledCleanupOptions, type ScheduledHandler, scheduledCleanup } from './scheduled-cleanup.ts'
