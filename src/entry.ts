/** The per-key handle, the same for every store. */
import type { CacheEntry, WriteOptions } from './cache.ts'

/** What a handle needs of a store. */
export interface EntrySource<T> {
  /** Reads the live entry; the function makes a fresh value of it at each call, so that no two callers share one. */
  read(): Promise<(() => Promise<T>) | undefined>
  set(value: T, options?: WriteOptions): Promise<void>
  delete(): Promise<boolean>
}

export function createEntry<T>(source: EntrySource<T>): CacheEntry<T> {
  let memo: ReturnType<EntrySource<T>['read']> | undefined

  function row() {
    if (memo === undefined) {
      const reading = source.read()
      memo = reading
      // A failure is not remembered: the next call tries again.
      reading.catch(() => {
        if (memo === reading) memo = undefined
      })
    }
    return memo
  }
  function reload() {
    memo = undefined
  }

  return {
    reload,
    exists: async () => (await row()) !== undefined,
    value: async () => (await row())?.(),
    async set(value, options) {
      try {
        await source.set(value, options)
      } finally {
        reload()
      }
      return value
    },
    async delete() {
      try {
        return await source.delete()
      } finally {
        reload()
      }
    },
  }
}
