import type { CacheEntry, Cache as CachifiedCache } from '@epic-web/cachified'
import type { Cache } from 'pgstash'

/** A cache for cachified, in a namespace of its own. */
export function cachifiedCache(cache: Cache): CachifiedCache {
  const entries = cache.namespace('cachified')
  return {
    name: 'pgstash',
    get: (key) => entries.get<CacheEntry>(key),
    delete: (key) => entries.delete(key),
    async set(key, entry) {
      const { ttl, swr } = entry.metadata // in milliseconds; null means forever
      const isForever = ttl == null || swr === null
      await entries.set(key, entry, { expiration: isForever ? null : { milliseconds: ttl + (swr ?? 0) } })
    },
  }
}
