/** The per-key handle, the same for every store. */
import type { CacheEntry, WriteOptions } from '../cache.ts'
import { exactEntry } from './exact-arguments.ts'

/** What a handle needs of a store. */
export interface EntrySource<T> {
  /** Reads the live entry; the function makes a fresh value of it at each call, so that no two callers share one. */
  read(): Promise<(() => Promise<T>) | undefined>
  /** Stores the value, and decodes a fresh one from the stored form, as a read would. */
  set(value: T, options?: WriteOptions): Promise<T>
  delete(): Promise<boolean>
}

export function createEntry<T>(source: EntrySource<T>): CacheEntry<T> {
  // Only what has arrived: a promise could belong to a request that was cancelled (on Workers), and never settle.
  let memo: { row: Awaited<ReturnType<EntrySource<T>['read']>> } | undefined
  let generation = 0

  async function row() {
    if (memo !== undefined) return memo.row
    const startedIn = generation
    const found = await source.read()
    // Not over a reload, set or delete that came meanwhile.
    if (startedIn === generation) memo = { row: found }
    return found
  }
  function reload() {
    memo = undefined
    generation++
  }

  return exactEntry({
    reload,
    exists: async () => (await row()) !== undefined,
    value: async () => (await row())?.(),
    async set(value, options) {
      try {
        return await source.set(value, options)
      } finally {
        reload()
      }
    },
    async delete() {
      try {
        return await source.delete()
      } finally {
        reload()
      }
    },
  })
}
