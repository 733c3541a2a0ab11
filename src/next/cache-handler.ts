/** `cacheHandler`: Next's incremental cache (ISR, `fetch`, route handlers, images), for Next 15.5 and 16. */
import type { Cache } from '../cache.ts'
import { now } from '../values/clock.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { buildIdOf, type HandlerContext } from './build-id.ts'
import { ageForNext, type CacheControl, isFresh, type Lifetime, presentValue } from './incremental-entry.ts'
import { type GetContext, hasAny, keepMsOf, kindOf, type SetContext, tagsOf } from './incremental-tags.ts'
import { entryKey, expandTags } from './names.ts'
import { OldestSnapshots } from './oldest-snapshots.ts'
import { type NextOptions, requireCache, retentionMs } from './options.ts'
import { pack, unpack } from './packed.ts'
import { createStorage, type EntryHeader } from './storage.ts'

/** Options of {@link cacheHandler}. */
export interface CacheHandlerOptions extends NextOptions {
  /**
   * Separates the pages of different builds, because a page refers to files of its own build. Default: the id that
   * `next build` wrote. All builds share the data of `fetch`, and images.
   */
  buildId?: string | undefined
}

/** The interface that Next calls, declared here so that pgstash does not depend on Next. */
export interface IncrementalCacheHandler {
  /**
   * Returns the entry, or null if none is live or one of its tags was revalidated. A stale entry makes Next render a
   * new one.
   */
  get(key: string, context?: GetContext): Promise<IncrementalEntry | null>
  /** Stores a page, a response of `fetch` or an image. */
  set(key: string, value: unknown, context?: SetContext): Promise<void>
  /**
   * Revalidates tags. With `durations`, entries become stale now, and expire after `expire` seconds.
   *
   * @throws DatabaseError, DatabaseTimeoutError
   */
  revalidateTag(tags: string | string[], durations?: { expire?: number | undefined }): Promise<void>
  /** Does nothing, because the handler keeps no entries in memory. */
  resetRequestCache(): void
}

/** An entry as the handler returns it to Next. */
export interface IncrementalEntry {
  /** Milliseconds since 1970. */
  lastModified: number
  /** Null means a stored "not found". */
  // biome-ignore lint/suspicious/noExplicitAny: only `any` is assignable to Next's type, a union over a const enum.
  value: any
  /** The lifetimes of the entry. Absent if Next passed none with the value. Next reads this since 16.4. */
  cacheControl?: CacheControl
}

interface Header extends EntryHeader, Lifetime {
  readonly lastModified: number
  readonly value: unknown
}

/**
 * Returns the class for `cacheHandler` in `next.config`.
 *
 * Each `get` costs one round trip, which also checks the tags of the entry and of the request. Revalidations reach
 * every instance at once. If the database is unreachable, Next renders pages on every request. Nothing throws, except
 * revalidations.
 *
 * Next creates an instance for each request. All instances share the cache, so create the cache at module level.
 *
 * @throws InvalidOptionError, InvalidExpirationError
 * @example
 * // incremental-handler.mjs
 * export default cacheHandler(createCache(() => drizzle(process.env.DATABASE_URL)))
 */
export function cacheHandler(
  cache: Cache,
  options?: CacheHandlerOptions,
): new (
  context?: HandlerContext,
) => IncrementalCacheHandler {
  const { retention, buildId } = optionsObject<CacheHandlerOptions>(options, ['retention', 'buildId'])
  if (buildId !== undefined && typeof buildId !== 'string') {
    throw new InvalidOptionError(`Expected buildId to be a string, got ${describeType(buildId)}.`)
  }
  requireCache(cache)
  const storage = createStorage(cache, retentionMs(retention))

  return class PgstashCacheHandler implements IncrementalCacheHandler {
    readonly #revalidatedTags: ReadonlySet<string>
    readonly #buildId: () => Promise<string | undefined>
    readonly #snapshots = new OldestSnapshots()

    constructor(context?: HandlerContext) {
      this.#revalidatedTags = new Set(context?.revalidatedTags)
      this.#buildId = async () => buildId ?? buildIdOf(context)
    }

    async get(key: string, context: GetContext = {}): Promise<IncrementalEntry | null> {
      const stored = await this.#keyOf(key, kindOf(context))
      if (stored === undefined) return null
      const requestTags = [...(context.tags ?? []), ...(context.softTags ?? [])]
      const { frame, state, snapshot } = await storage.read<Header>(stored, requestTags)
      // Next passes revalidations that may not be visible in the database yet.
      const isRevalidated = hasAny(this.#revalidatedTags, [...requestTags, ...(frame?.header.tags ?? [])])
      if (frame === undefined || isRevalidated) {
        this.#snapshots.note(stored, snapshot)
        return null
      }
      const { lastModified, value, revalidate, expire, hasControl } = frame.header
      const lifetime = { revalidate: context.revalidate || revalidate, expire, hasControl }
      if (state === 'stale' || !isFresh(lastModified, lifetime, now())) this.#snapshots.note(stored, snapshot)
      return {
        ...ageForNext(lastModified, lifetime, state === 'stale', now()),
        value: presentValue(unpack(value, frame.parts), context),
      }
    }

    async set(key: string, value: unknown, context: SetContext = {}): Promise<void> {
      // Do not store this value. The next build would find it, and render its pages from old data that nobody asked to
      // keep.
      if (context.isImplicitBuildTimeCache) return
      const kind = kindOf(context, value)
      const stored = await this.#keyOf(key, kind)
      if (stored === undefined) return
      const asOf = this.#snapshots.take(stored)
      const parts: Uint8Array[] = []
      const lifetime = lifetimeOf(value, context)
      const header: Header = {
        tags: tagsOf(key, value, context),
        since: asOf?.at ?? Math.floor(now()),
        lastModified: Math.floor(now()),
        value: pack(value, parts),
        ...lifetime,
      }
      await storage.write(stored, { header, parts, keepMs: keepMsOf(lifetime), asOf: asOf?.snapshot })
    }

    revalidateTag(tags: string | string[], durations?: { expire?: number | undefined }): Promise<void> {
      return storage.revalidate(expandTags([tags]), durations && (durations.expire ?? null))
    }

    resetRequestCache(): void {}

    /**
     * Returns undefined if the build is unknown. Then pages are not stored, because pages of different builds must not
     * mix.
     */
    async #keyOf(key: string, kind: 'fetch' | 'image' | 'page'): Promise<string | undefined> {
      if (kind !== 'page') return entryKey(kind, key)
      const build = await this.#buildId()
      return build === undefined ? undefined : entryKey('page', `${build}:${key}`)
    }
  }
}

/**
 * Returns the lifetime that Next passes. For data it is part of the value, for pages and images it is in the context.
 */
function lifetimeOf(value: unknown, context: SetContext): Lifetime {
  const { revalidate: own } = Object(value)
  const { cacheControl } = context
  const given = cacheControl?.revalidate ?? context.revalidate ?? own
  return {
    revalidate: typeof given === 'number' || given === false ? given : undefined,
    expire: cacheControl?.expire,
    hasControl: cacheControl !== undefined,
  }
}
