/** `tagCache`: when tags were revalidated. */
import type { Cache } from '../cache.ts'
import { markName } from '../next/names.ts'
import { wallClock } from '../values/clock.ts'
import { forgetTags, statesOfTags } from './request-tags.ts'
import { isTagCacheDisabled } from './runtime.ts'
import { storageOf } from './storage.ts'
import { eventOf, isExpired, isStale, lastRevalidated, type TagState, type TagWrite } from './tag-events.ts'

/** OpenNext's interface, typed by structure. Times are in milliseconds since 1970. */
export interface TagCache {
  readonly name: string
  readonly mode: 'nextMode'
  getLastRevalidated(tags: string[]): Promise<number>
  hasBeenRevalidated(tags: string[], lastModified?: number): Promise<boolean>
  isStale(tags: string[], lastModified?: number): Promise<boolean>
  writeTags(tags: TagWrite[]): Promise<void>
}

/** Later than every entry, and not Infinity, which would tell Next that somebody else has checked the tags. */
const NOW_AND_LATER = Number.MAX_SAFE_INTEGER

/**
 * The tag cache of OpenNext on Cloudflare, in its mode `nextMode`.
 *
 * For tags of entries that the request has read, it asks nothing: the entries brought them along. For all others, one round trip
 * answers every question of a request. A revalidation is one round trip, and every isolate sees it once it has committed. All
 * times are the database's.
 *
 * If the database cannot be reached, all tags count as revalidated, because the alternative is old data. `writeTags` rejects.
 *
 * @param makeCache creates the cache at the first request. Pass the same function to all three overrides.
 * @throws InvalidOptionError
 * @example
 * export default defineCloudflareConfig({ incrementalCache: incrementalCache(cache), tagCache: tagCache(cache), queue: queue(cache) })
 */
export function tagCache(makeCache: () => Cache): TagCache {
  const storage = storageOf(makeCache)

  /** Undefined if the database did not answer. */
  async function statesOf(tags: readonly string[]): Promise<TagState[] | undefined> {
    const { read } = storage()
    const names = [...new Set(tags.map(markName))]
    const ask = async (unknown: readonly string[]) => (await read(undefined, unknown)).tags
    return statesOfTags(names, ask).catch(() => undefined)
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

/** A page carries its tags in a header, joined by commas. There a tag with a comma looks like two, so it revalidates these too. */
function bothReadings(tag: string): Set<string> {
  return new Set([tag, ...tag.split(',')])
}
