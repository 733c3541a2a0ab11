/** `incrementalCache`: stores rendered pages, responses of `fetch`, and values of `'use cache'`. */
import type { Cache } from '../cache.ts'
import { entryKey, markName } from '../next/names.ts'
import { UnserializableValueError, ValueTooLargeError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { milliseconds, type TimeSpan } from '../values/time-span.ts'
import { rememberTags, tagGeneration } from './request-tags.ts'
import { noteStart, takeStart } from './starts.ts'
import { MAX_ENTRY_DAYS, type Storage, storageOf } from './storage.ts'
import { type CacheType, isStored, lifeMsOf, openValue, packValue, tagsOf } from './values.ts'

/** Options of {@link incrementalCache}. */
export interface IncrementalCacheOptions {
  /**
   * How long an entry is kept after it was written: a span from one second to 365 days. A number is seconds. Default 30
   * days.
   *
   * Until then, Next can serve a stale page while it renders a new one. After it, cleanup removes the entry. This
   * includes entries of old deployments, whose keys are never read again.
   */
  retention?: TimeSpan | undefined
}

/** OpenNext's interface, declared here so that pgstash does not depend on OpenNext. */
export interface IncrementalCache {
  /** The name of this override in OpenNext. */
  readonly name: string
  /** Returns an entry and when it was written, or null if there is none or the database is unreachable. */
  get<Value = unknown>(key: string, cacheType?: CacheType): Promise<{ value: Value; lastModified: number } | null>
  /** Stores an entry. If the database is unreachable, stores nothing. */
  set(key: string, value: object, cacheType?: CacheType): Promise<void>
  /** Deletes an entry of the type `cache`. */
  delete(key: string): Promise<void>
}

const DEFAULT_RETENTION = '30d'
const RETENTION = { numbers: 'seconds', min: 1, max: MAX_ENTRY_DAYS * 24 * 60 * 60 } as const

/**
 * Creates the incremental cache for OpenNext on Cloudflare.
 *
 * `get` costs one round trip. It also reads the revalidations of the entry's tags, so that `tagCache` does not have to.
 * If the database is unreachable, `get` finds nothing, `set` stores nothing, and Next renders pages on every request.
 *
 * An entry's age starts at the first read of its key in the request that computed it. So an entry that was computed
 * from data older than a revalidation is rejected, even if it was stored after the revalidation.
 *
 * @param makeCache creates the cache on the first request. Pass the same function to all three overrides.
 * @throws InvalidOptionError
 * @example
 * const cache = () => createCache(() => drizzle(process.env.DATABASE_URL ?? ''))
 * export default defineCloudflareConfig({
 *   incrementalCache: incrementalCache(cache),
 *   tagCache: tagCache(cache),
 *   queue: queue(cache),
 * })
 */
export function incrementalCache(makeCache: () => Cache, options?: IncrementalCacheOptions): IncrementalCache {
  const { retention = DEFAULT_RETENTION } = optionsObject<IncrementalCacheOptions>(options, ['retention'])
  const retentionMs = milliseconds('retention', retention, RETENTION)
  const storage = storageOf(makeCache)

  return {
    name: 'pgstash-incremental-cache',
    async get<Value>(key: string, cacheType: CacheType = 'cache') {
      const name = entryKey(cacheType, key)
      const { read } = storage()
      const generation = tagGeneration()
      const found = await read(name, []).catch(() => undefined)
      if (found === undefined) return null
      noteStart(name, found)
      rememberTags(found.tags, generation)
      return isStored(found.value) ? openValue<Value>(found.value, found.writtenAt, cacheType) : null
    },
    async set(key, value, cacheType = 'cache') {
      const name = entryKey(cacheType, key)
      const { entries, guard, report } = storage()
      const start = takeStart(name)
      const stored = { startedAt: start?.at ?? null, value: packValue(value, cacheType) }
      const expiration = { milliseconds: Math.min(retentionMs, lifeMsOf(value)) }
      const tags = tagsOf(value).map(markName)
      try {
        await guard(() => entries.set(name, stored, { expiration, tags, asOf: start?.snapshot }))
      } catch (error) {
        reportRefusal(report, error)
      }
    },
    async delete(key) {
      await storage().entries.delete(entryKey('cache', key))
    },
  }
}

/**
 * Reports a value that the cache refused. It was never sent, so the cache, which reports database failures, did not
 * report it.
 */
function reportRefusal(report: Storage['report'], error: unknown): void {
  if (error instanceof ValueTooLargeError || error instanceof UnserializableValueError) report('set', error)
}
