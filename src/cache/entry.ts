/** The handle of one key, the same for every store. */
import type { CacheEntry, WriteOptions } from '../cache.ts'
import { exactEntry } from './exact-arguments.ts'

/** The operations that a handle needs. */
export interface EntrySource<T> {
  /**
   * Reads the live entry. The returned function decodes a fresh value at each call, so that callers never share one.
   */
  read(): Promise<(() => Promise<T>) | undefined>
  /** Stores the value, and returns a fresh one decoded from the stored form, as a read does. */
  set(value: T, options?: WriteOptions): Promise<T>
  delete(): Promise<boolean>
}

export function createEntry<T>(source: EntrySource<T>): CacheEntry<T> {
  // The memo holds no promise: on Workers, a promise of a cancelled request never settles.
  let memo: { row: Awaited<ReturnType<EntrySource<T>['read']>> } | undefined
  let generation = 0

  async function row() {
    if (memo !== undefined) return memo.row
    const startedIn = generation
    const found = await source.read()
    // If a reload, set or delete came meanwhile, the row may be outdated.
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
