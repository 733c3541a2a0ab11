/** Reads of the memory store. */
import { type StoredEntry, slideEntry, toRow } from '../../store/entries.ts'
import { type ReadOptions, type Row, toReply } from '../../store/store.ts'
import type { MemoryRow } from './row.ts'
import type { MemoryStorage } from './storage.ts'

export function reading(storage: MemoryStorage) {
  function read(key: string, options?: ReadOptions): Row | undefined {
    const row = storage.read(key)
    if (row === undefined || !storage.isLive(row)) return undefined
    if (options === undefined) return row
    const own: StoredEntry =
      options.sliding === undefined ? row : slideEntry<StoredEntry>(row, options.sliding, storage.now())
    if (own !== row) storage.put(own)
    return options.forCopy === true ? toRow(own, storage.now()) : own
  }

  /**
   * Reads a live entry without counting as a use. A caller that only asks whether an entry exists does not use its
   * value.
   */
  function peek(key: string): MemoryRow | undefined {
    const row = storage.peek(key)
    return row !== undefined && storage.isLive(row) ? row : undefined
  }

  return {
    readLocal: (key: string) => read(key),
    read: (key: string, options?: ReadOptions) => toReply(read(key, options)),
    readMany(keys: readonly string[], options?: ReadOptions) {
      const rows = new Map<string, Row>()
      for (const key of keys) {
        const row = read(key, options)
        if (row !== undefined) rows.set(key, row)
      }
      return toReply(rows)
    },
    has: (key: string) => toReply(peek(key) !== undefined),
    deadline: (key: string) => toReply(peek(key)?.expiresAt),
  }
}
