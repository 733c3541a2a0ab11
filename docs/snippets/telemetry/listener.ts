import { createCache, type Database, type EventListener } from 'pgstash'

const SLOW_MS = 250

/** Logs what deserves a look; called for every event, so it does little. */
export const onEvent: EventListener = (event) => {
  if (event.type === 'error') console.error('cache', event.operation, event.error)
  else if (event.durationMs > SLOW_MS) console.warn('cache is slow', event.operation, event.type, event.durationMs)
}

export const cacheOf = (db: Database) => createCache(db, { onEvent })
