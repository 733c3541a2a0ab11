/** `cacheHandlers`: the handler for Next's `'use cache'`, for Next 15.5 and 16. */
import type { Cache } from '../cache.ts'
import { now } from '../values/clock.ts'
import { optionsObject } from '../values/options.ts'
import { withDeadline } from '../values/with-deadline.ts'
import { isWorkers } from '../values/workers.ts'
import { expandTags, hashText } from './names.ts'
import { type NextOptions, requireCache, retentionMs } from './options.ts'
import { createRecentSnapshots } from './recent-snapshots.ts'
import { createStorage, type EntryHeader } from './storage.ts'
import { collect, streamOf } from './streams.ts'

/**
 * An entry as Next passes and expects it. `timestamp` is in milliseconds since 1970, the other times are in seconds.
 */
export interface UseCacheEntry {
  /** A stream can be read only once, so every `get` returns a new one. */
  value: ReadableStream<Uint8Array>
  /** The entry's own tags, without the soft tags of the page. */
  tags: string[]
  /** For how many seconds a client may use the entry without asking the server. */
  stale: number
  /** When the computation of the entry began, in milliseconds since 1970. */
  timestamp: number
  /** The lifetime of the entry in seconds. Infinity means forever. */
  expire: number
  /** After how many seconds Next computes the entry again. -1 means: serve the stale entry, and compute a new one. */
  revalidate: number
}

/** The handler's interface, declared here so that pgstash does not depend on Next. */
export interface UseCacheHandler {
  /** Returns the live entry, or undefined. The soft tags are those of the page. */
  get(cacheKey: string, softTags?: string[]): Promise<UseCacheEntry | undefined>
  /** Stores an entry once its computation has ended. If the computation fails, a stored entry stays. */
  set(cacheKey: string, pendingEntry: Promise<UseCacheEntry>): Promise<void>
  /** Does nothing, because `get` checks the tags. */
  refreshTags(): Promise<void>
  /**
   * Returns Infinity, which tells Next that `get` checks the tags. Next 16 passes a list, Next 15.5 passes each tag.
   */
  getExpiration(...tags: (string | string[])[]): Promise<number>
  /** For Next 16. With `durations`, entries become stale now, and expire after `expire` seconds. */
  updateTags(tags: string | string[], durations?: { expire?: number | undefined }): Promise<void>
  /** For Next 15.5. */
  expireTags(...tags: (string | string[])[]): Promise<void>
}

type Lifetime = 'stale' | 'expire' | 'revalidate'

/** Null stands for Infinity, because JSON has no Infinity. */
interface UseCacheHeader extends EntryHeader, Readonly<Record<Lifetime, number | null>> {}

const MS_PER_SECOND = 1_000
/**
 * The longest time that a `get` waits for a `set` of its key before it reads. A fill that hangs must not block its key.
 */
const MAX_WAIT_MS = 10_000

/**
 * Creates the handler for `cacheHandlers` in `next.config`. Use one object for `default` and `remote`.
 *
 * Each `get` costs one round trip, which also checks the tags of the entry and of the page. `revalidateTag`,
 * `updateTag` and `revalidatePath` reach every instance at once. If the database is unreachable, Next computes
 * functions on every call. Nothing throws, except revalidations: reporting success would be wrong.
 *
 * Create it at module level. It connects to nothing until Next calls it.
 *
 * @throws InvalidOptionError, InvalidExpirationError
 * @example
 * // cache-handler.mjs
 * export default cacheHandlers(createCache(() => drizzle(process.env.DATABASE_URL)))
 */
export function cacheHandlers(cache: Cache, options?: NextOptions): UseCacheHandler {
  const { retention } = optionsObject<NextOptions>(options, ['retention'])
  requireCache(cache)
  const storage = createStorage(cache, retentionMs(retention))
  const snapshots = createRecentSnapshots()
  const pendingSets = new Map<string, Promise<void>>()

  async function store(key: string, pendingEntry: Promise<UseCacheEntry>): Promise<void> {
    const collected = await collectEntry(pendingEntry)
    if (collected === undefined) return
    const { bytes, entry } = collected
    const { tags, timestamp, stale, expire, revalidate } = entry
    // Next counts the lifetime from the start of the computation.
    const keepMs = timestamp + expire * MS_PER_SECOND - now()
    if (!(keepMs > 0)) return
    const header: UseCacheHeader = {
      tags,
      since: timestamp,
      stale: infinityToNull(stale),
      expire: infinityToNull(expire),
      revalidate: infinityToNull(revalidate),
    }
    await storage.write(key, { header, parts: [bytes], keepMs, asOf: snapshots.before(timestamp) })
  }

  return {
    async get(cacheKey, softTags = []) {
      const key = keyOf(cacheKey)
      const pending = pendingSets.get(key)
      if (pending !== undefined) await withDeadline(MAX_WAIT_MS, pending)
      const { frame, state, snapshot } = await storage.read<UseCacheHeader>(key, softTags)
      snapshots.add(snapshot, now())
      if (frame === undefined) return undefined
      const { tags, since, stale, expire, revalidate } = frame.header
      return {
        value: streamOf(frame.parts),
        tags: [...tags],
        timestamp: since,
        stale: nullToInfinity(stale),
        expire: nullToInfinity(expire),
        revalidate: state === 'stale' ? -1 : nullToInfinity(revalidate),
      }
    },
    async set(cacheKey, pendingEntry) {
      const key = keyOf(cacheKey)
      const done = store(key, pendingEntry)
      // On Workers, a request must not wait for another request's promise.
      if (!isWorkers()) pendingSets.set(key, done)
      try {
        await done
      } finally {
        if (pendingSets.get(key) === done) pendingSets.delete(key)
      }
    },
    async refreshTags() {},
    async getExpiration() {
      return Number.POSITIVE_INFINITY
    },
    updateTags: (tags, durations) => storage.revalidate(expandTags([tags]), durations && (durations.expire ?? null)),
    expireTags: (...tags) => storage.revalidate(expandTags(tags), undefined),
  }
}

/** Hashes the key, because it contains the arguments of a function. They can be long, secret, or malformed text. */
function keyOf(cacheKey: string): string {
  return `use#${hashText(cacheKey)}`
}

/**
 * Resolves to undefined if the computation or its stream failed. Next itself reports the failure. A stored entry stays.
 */
async function collectEntry(pendingEntry: Promise<UseCacheEntry>) {
  try {
    const entry = await pendingEntry
    return { entry, bytes: await collect(entry.value) }
  } catch {
    return undefined
  }
}

const infinityToNull = (seconds: number): number | null => (Number.isFinite(seconds) ? seconds : null)
const nullToInfinity = (seconds: number | null): number => seconds ?? Number.POSITIVE_INFINITY
