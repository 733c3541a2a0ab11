import { createCache, type Database } from 'pgstash'
import { historyListener } from 'pgstash/telemetry'

export function shopCache(db: Database, waitUntil?: (work: Promise<unknown>) => void) {
  const history = historyListener(db, {
    name: 'shop',
    keep: '30d',
    ...(waitUntil && { waitUntil }),
    onError: (error) => console.warn('the history of the cache', error),
  })
  // In a process, flush() before it ends: process.on('SIGTERM', () => history.flush())
  return { cache: createCache(db, { namespace: 'shop', onEvent: history }), history }
}
