/** Implements `TagMarks` for a cache that is not on Postgres, with the public interface alone. */
import type { Cache, CacheSnapshot } from '../cache.ts'
import type { MarkedRead, MarkInput, TagMarks } from '../postgres/tag-marks.ts'
import { now } from '../values/clock.ts'
import { markName } from './names.ts'
import { EXPIRED, type MarkValue } from './tag-events.ts'

/** The facts about a stored value that these reads need. */
export interface Origin {
  readonly tags: readonly string[]
  /** When the reading of its data began, by the application's clock. */
  readonly since: number
}

/**
 * Compares times of the application's clocks, because only Postgres can tell whether an entry's data is older than a
 * mark. A read costs two round trips, or three if the entry has tags that the caller did not pass.
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
      // Take the snapshot first. Otherwise a change before the snapshot could be missing from the read.
      const snapshot: CacheSnapshot = await cache.snapshot()
      const found = await entries.getMany([key, ...keysOf(tags)])
      const value = found.get(key)
      const origin = originOf(value)
      if (origin === undefined) return { value: undefined, marks: [], snapshot }
      const given = new Set(tags)
      const others = origin.tags.map(markName).filter((name) => !given.has(name))
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
        // With `onError: 'miss'`, `setMany` hides a failure. Both of these calls reject if the store cannot answer.
        invalidated.length > 0 ? cache.invalidate(invalidated) : cache.snapshot(),
      ])
    },
  }
}
