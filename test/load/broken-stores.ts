/** Stores with one defect each, which the checkers must find. */
import { type Cache, memoryCache, type WriteOptions } from 'pgstash'

export interface World {
  readonly cache: Cache
  /** The clock of the cache's entries, in Unix milliseconds. */
  readonly clock: () => Promise<number>
}

/** A memory cache whose clock advances by one millisecond with each call, so no test waits for time. */
export function createWorld(): World {
  let time = Date.UTC(2026, 0, 1)
  return {
    cache: memoryCache({ maxEntries: 10_000, now: () => time }),
    clock: async () => {
      // As over a network: other calls run before the answer arrives.
      await Promise.resolve()
      return ++time
    },
  }
}

/** Every method of a cache, some of them replaced. */
const withDefect = (cache: Cache, defect: Partial<Cache>): Cache => ({ ...cache, ...defect })

type Get = Cache['get']
const asGet = (read: (key: string) => Promise<unknown>) => read as Get

export const DEFECTS: Record<string, { found: string; breakIt: (cache: Cache, client: number) => Cache }> = {
  'reads that a process keeps for itself': {
    found: 'stale read',
    breakIt(cache) {
      const kept = new Map<string, unknown>()
      const get = asGet(async (key) => {
        if (!kept.has(key)) kept.set(key, await cache.get(key))
        return kept.get(key)
      })
      return withDefect(cache, { get })
    },
  },
  'an increment of get and set': {
    found: 'lost increment',
    breakIt: (cache) =>
      withDefect(cache, {
        async increment(key, delta = 1) {
          const count = ((await cache.get<number>(key)) ?? 0) + delta
          await cache.set(key, count)
          return count
        },
      }),
  },
  'no lease': {
    found: 'double computation',
    breakIt: (cache) =>
      withDefect(cache, {
        getOrSet: (async (key: string, compute: () => Promise<unknown>, options: WriteOptions) => {
          const found = await cache.get(key)
          if (found !== undefined) return found
          const value = await compute()
          await cache.set(key, value, { tags: options.tags ?? [] })
          return value
        }) as Cache['getOrSet'],
      }),
  },
  'a delete that does nothing': {
    found: 'value after delete',
    breakIt: (cache) => withDefect(cache, { delete: async () => true }),
  },
  'an invalidation that does nothing': {
    found: 'invalidation ignored',
    breakIt: (cache) => withDefect(cache, { invalidate: async () => {} }),
  },
  'entries that outlive their deadline': {
    found: 'read past deadline',
    breakIt: (cache) => withDefect(cache, { set: (key, value) => cache.set(key, value) }),
  },
  'writes that are dropped': {
    found: 'lost write',
    breakIt: (cache) => withDefect(cache, { set: async () => {} }),
  },
  'values of somebody else': {
    found: 'value of nobody',
    breakIt: (cache) => withDefect(cache, { get: asGet(async () => ({ version: 'stranger' })) }),
  },
  'calls that fail': {
    found: 'failed call',
    breakIt: (cache) => withDefect(cache, { increment: () => Promise.reject(new TypeError('broken')) }),
  },
}
