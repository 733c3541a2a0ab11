/** `cacheHandlers`: the handler of Next's `'use cache'`, for Next 15.5 and 16. */
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

/** An entry as Next passes and expects it. `timestamp` is in milliseconds since 1970, all else in seconds. */
export interface UseCacheEntry {
  /** Can be read once. Every `get` answers with a new one. */
  value: ReadableStream<Uint8Array>
  /** Without the tags of the page that asked. */
  tags: string[]
  stale: number
  /** When the entry began to be computed. */
  timestamp: number
  /** Infinity for never. */
  expire: number
  /** -1: serve it once more, and compute it anew. */
  revalidate: number
}

/** The handler, typed by structure, so that Next is not a dependency of this package. */
export interface UseCacheHandler {
  get(cacheKey: string, softTags?: string[]): Promise<UseCacheEntry | undefined>
  set(cacheKey: string, pendingEntry: Promise<UseCacheEntry>): Promise<void>
  refreshTags(): Promise<void>
  /** Infinity: `get` checks the tags. Next 16 passes a list, 15.5 each tag. */
  getExpiration(...tags: (string | string[])[]): Promise<number>
  /** For Next 16. With `durations`, entries become stale now, and expire after `expire` seconds. */
  updateTags(tags: string | string[], durations?: { expire?: number | undefined }): Promise<void>
  /** For Next 15.5. */
  expireTags(...tags: (string | string[])[]): Promise<void>
}

type Lifetime = 'stale' | 'expire' | 'revalidate'

/** Null stands for Infinity, which JSON does not have. */
interface UseCacheHeader extends EntryHeader, Readonly<Record<Lifetime, number | null>> {}

const MS_PER_SECOND = 1_000
/** A `get` waits no longer for a `set` of its key, and then reads what is there. A fill that hangs must not block its key. */
const PATIENCE_MS = 10_000

/**
 * The handler for `cacheHandlers` in `next.config`: one object for `default` and `remote`.
 *
 * Each `get` is one round trip, which checks the entry's own tags and those of the page. `revalidateTag`, `updateTag` and
 * `revalidatePath` reach every instance at once. If the database cannot be reached, functions are computed each time, and
 * nothing throws; only revalidations fail, because pretending would be wrong.
 *
 * Create it at module level. It connects to nothing until Next asks.
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
      stale: finite(stale),
      expire: finite(expire),
      revalidate: finite(revalidate),
    }
    await storage.write(key, { header, parts: [bytes], keepMs, asOf: snapshots.before(timestamp) })
  }

  return {
    async get(cacheKey, softTags = []) {
      const key = keyOf(cacheKey)
      const pending = pendingSets.get(key)
      if (pending !== undefined) await withDeadline(PATIENCE_MS, pending)
      const { frame, state, snapshot } = await storage.read<UseCacheHeader>(key, softTags)
      snapshots.add(snapshot, now())
      if (frame === undefined) return undefined
      const { tags, since, stale, expire, revalidate } = frame.header
      return {
        value: streamOf(frame.parts),
        tags: [...tags],
        timestamp: since,
        stale: orInfinity(stale),
        expire: orInfinity(expire),
        revalidate: state === 'stale' ? -1 : orInfinity(revalidate),
      }
    },
    async set(cacheKey, pendingEntry) {
      const key = keyOf(cacheKey)
      const done = store(key, pendingEntry)
      // On Workers, a request must not wait for the promise of another.
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

/** The key holds the arguments of a function, so it is always hashed: they can be long, secret, or no well-formed text. */
function keyOf(cacheKey: string): string {
  return `use#${hashText(cacheKey)}`
}

/** Undefined if the computation or its stream failed. Next reports that by itself, and an entry that is there stays. */
async function collectEntry(pendingEntry: Promise<UseCacheEntry>) {
  try {
    const entry = await pendingEntry
    return { entry, bytes: await collect(entry.value) }
  } catch {
    return undefined
  }
}

const finite = (seconds: number): number | null => (Number.isFinite(seconds) ? seconds : null)
const orInfinity = (seconds: number | null): number => seconds ?? Number.POSITIVE_INFINITY
