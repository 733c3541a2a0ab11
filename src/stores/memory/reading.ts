/** Reads of the memory store. */
import { slideEntry, toRow } from '../../store/entries.ts'
import { type ReadOptions, type Row as StoreRow, toReply } from '../../store/store.ts'
import type { MemoryStorage, Row } from './storage.ts'

export function reading(storage: MemoryStorage) {
  function read(key: string, options?: ReadOptions): StoreRow | undefined {
    const row = storage.read(key)
    if (row === undefined || !storage.isLive(row, storage.now())) return undefined
    if (options === undefined) return row
    const own = options.sliding === undefined ? row : slideEntry(row, options.sliding, storage.now())
    if (own !== row) storage.put(own)
    return options.forCopy === true ? toRow(own, storage.now()) : own
  }

  /** Not a use: a caller that asks only whether an entry is there does not need its value kept. */
  function peek(key: string): Row | undefined {
    const row = storage.peek(key)
    return row !== undefined && storage.isLive(row, storage.now()) ? row : undefined
  }

  return {
    readLocal: (key: string) => read(key),
    read: (key: string, options?: ReadOptions) => toReply(read(key, options)),
    readMany(keys: readonly string[], options?: ReadOptions) {
      const rows = new Map<string, StoreRow>()
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
