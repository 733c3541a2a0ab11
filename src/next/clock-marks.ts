/** The same reads for a cache that is not on Postgres, on the public interface. */
import type { Cache, CacheSnapshot } from '../cache.ts'
import type { MarkedRead, MarkInput, TagMarks } from '../postgres/tag-marks.ts'
import { now } from '../values/clock.ts'
import { markName } from './names.ts'
import { EXPIRED, type MarkValue } from './tag-events.ts'

/** What these reads need to know of a stored value. */
export interface Origin {
  readonly tags: readonly string[]
  /** When its data began to be read, by the application's clock. */
  readonly since: number
}

/**
 * Compares the application's clocks, because only Postgres can tell whether the data of an entry is older than a mark. A read
 * takes two round trips, or three if the entry has tags that the caller did not ask for.
 */
export function createClockMarks(
  cache: Cache,
  entries: Cache,
  originOf: (value: unknown) => Origin | undefined,
): TagMarks {
  return {
    guard: (work) => work(),
    async read(key, tags, prefixes): Promise<MarkedRead> {
      const keysOf = (names: readonly string[]) => names.flatMap((name) => prefixes.map((prefix) => prefix + name))
      // Taken first, so that nothing that the read misses is older than it.
      const snapshot: CacheSnapshot = await cache.snapshot()
      const found = await entries.getMany([key, ...keysOf(tags)])
      const value = found.get(key)
      const origin = originOf(value)
      if (origin === undefined) return { value: undefined, marks: [], snapshot }
      const asked = new Set(tags)
      const others = origin.tags.map(markName).filter((name) => !asked.has(name))
      const more = others.length === 0 ? [] : await entries.getMany(keysOf(others))
      const readAt = now()
      const marks = [...found, ...more].flatMap(([name, mark]) => {
        if (name === key) return []
        const [at] = mark as MarkValue
        const prefix = prefixes.find((each) => name.startsWith(each)) ?? EXPIRED
        return at >= origin.since ? [{ prefix, value: mark, ageMs: readAt - at }] : []
      })
      return { value, marks, snapshot }
    },
    async write({ marks, keepMs, tags, invalidated }: MarkInput) {
      const expiration = { milliseconds: keepMs }
      await Promise.all([
        entries.setMany(marks, { expiration, tags }),
        // Both reject if the store cannot answer, while `setMany` need not, with `onError: 'miss'`.
        invalidated.length > 0 ? cache.invalidate(invalidated) : cache.snapshot(),
      ])
    },
  }
}
