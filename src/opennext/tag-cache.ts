/** `tagCache`: stores when tags were revalidated. */
import type { Cache } from '../cache.ts'
import { markName } from '../next/names.ts'
import { wallClock } from '../values/clock.ts'
import { forgetTags, statesOfTags } from './request-tags.ts'
import { isTagCacheDisabled } from './runtime.ts'
import { storageOf } from './storage.ts'
import { eventOf, isExpired, isStale, lastRevalidated, type TagState, type TagWrite } from './tag-events.ts'

/**
 * OpenNext's interface, declared here so that pgstash does not depend on OpenNext. Times are in milliseconds since
 * 1970.
 */
export interface TagCache {
  /** The name of this override in OpenNext. */
  readonly name: string
  /** The mode in which OpenNext asks for the tags at each read. */
  readonly mode: 'nextMode'
  /** Returns when any of the tags was last revalidated; 0 if never. */
  getLastRevalidated(tags: string[]): Promise<number>
  /** Returns whether an entry with these tags, last modified at this instant, has expired. */
  hasBeenRevalidated(tags: string[], lastModified?: number): Promise<boolean>
  /** Returns whether such an entry is stale, but not expired. */
  isStale(tags: string[], lastModified?: number): Promise<boolean>
  /**
   * Revalidates tags.
   *
   * @throws DatabaseError, DatabaseTimeoutError
   */
  writeTags(tags: TagWrite[]): Promise<void>
}

/** Later than every entry. Infinity would tell Next that the tags were already checked. */
const NOW_AND_LATER = Number.MAX_SAFE_INTEGER

/**
 * Creates the tag cache for OpenNext on Cloudflare, in its mode `nextMode`.
 *
 * Tags of entries that the request has already read cost nothing, because `incrementalCache` read them with the
 * entries. Other tags cost one round trip, and the request remembers their states. A revalidation costs one round trip,
 * and every isolate sees it once it has committed. All times are the database's.
 *
 * If the database is unreachable, all tags count as revalidated, because otherwise old data would be served.
 * `writeTags` rejects.
 *
 * @param makeCache creates the cache on the first request. Pass the same function to all three overrides.
 * @throws InvalidOptionError
 * @example
 * export default defineCloudflareConfig({
 *   incrementalCache: incrementalCache(cache),
 *   tagCache: tagCache(cache),
 *   queue: queue(cache),
 * })
 */
export function tagCache(makeCache: () => Cache): TagCache {
  const storage = storageOf(makeCache)

  /** Resolves to undefined if the database did not answer. */
  async function statesOf(tags: readonly string[]): Promise<TagState[] | undefined> {
    const { read } = storage()
    const names = [...new Set(tags.map(markName))]
    const readTags = async (unknown: readonly string[]) => (await read(undefined, unknown)).tags
    return statesOfTags(names, readTags).catch(() => undefined)
  }

  async function answer<T>(tags: readonly string[], none: T, failed: T, decide: (states: TagState[]) => T): Promise<T> {
    if (tags.length === 0 || isTagCacheDisabled()) return none
    const states = await statesOf(tags)
    return states === undefined ? failed : decide(states)
  }

  return {
    name: 'pgstash-tag-cache',
    mode: 'nextMode',
    getLastRevalidated: (tags) => answer(tags, 0, NOW_AND_LATER, (states) => Math.max(...states.map(lastRevalidated))),
    hasBeenRevalidated: (tags, lastModified) =>
      answer(tags, false, true, (states) => states.some((state) => isExpired(state, lastModified))),
    isStale: (tags, lastModified) =>
      answer(
        tags,
        false,
        true,
        (states) =>
          !states.some((state) => isExpired(state, lastModified)) &&
          states.some((state) => isStale(state, lastModified)),
      ),
    async writeTags(tags) {
      if (tags.length === 0 || isTagCacheDisabled()) return
      const fractions = new Map<string, string>()
      for (const write of tags) {
        const { tag, prefix, fraction } = eventOf(write, wallClock())
        for (const each of bothReadings(tag)) fractions.set(prefix + markName(each), fraction)
      }
      try {
        await storage().writeEvents(fractions)
      } finally {
        forgetTags()
      }
    },
  }
}

/**
 * Returns the tag and its parts between commas. A page has its tags in a header, joined by commas. A tag with a comma
 * looks like two tags there, so it revalidates these too.
 */
function bothReadings(tag: string): Set<string> {
  return new Set([tag, ...tag.split(',')])
}
