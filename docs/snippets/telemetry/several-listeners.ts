import { createCache, type Database, type EventListener } from 'pgstash'

export const cacheOf = (db: Database, listeners: EventListener[]) =>
  createCache(db, {
    onEvent(event) {
      for (const listener of listeners) listener(event)
    },
  })
