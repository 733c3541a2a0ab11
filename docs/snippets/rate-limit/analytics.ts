import type { CacheEvent } from 'pgstash'

/** Counts the calls of `limit` that were allowed and refused, in this process. */
export function limitCounts() {
  const counts = { allowed: 0, refused: 0 }
  const onEvent = (event: CacheEvent) => {
    if (event.operation !== 'limit' || !('allowed' in event)) return
    counts[event.allowed === true ? 'allowed' : 'refused']++
  }
  return { counts, onEvent }
}
