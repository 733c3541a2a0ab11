/** Reads of the memory store. */
import { free, type ReadOptions, type Row as StoreRow } from '../../store/store.ts'
import { rowFor, slide } from './filling.ts'
import type { MemoryStorage, Row } from './storage.ts'

export function reading(storage: MemoryStorage) {
  function read(key: string, options?: ReadOptions): StoreRow | undefined {
    const row = storage.read(key)
    if (row === undefined || !storage.isLive(row, storage.now())) return undefined
    if (options?.sliding !== undefined) slide(row, options.sliding, storage.now())
    return options?.forCopy === true ? rowFor(row, storage.now()) : row
  }

  /** Not a use: a caller that asks only whether an entry is there does not need its value kept. */
  function peek(key: string): Row | undefined {
    const row = storage.peek(key)
    return row !== undefined && storage.isLive(row, storage.now()) ? row : undefined
  }

  return {
    read: (key: string, options?: ReadOptions) => free(read(key, options)),
    readMany(keys: readonly string[], options?: ReadOptions) {
      const rows = new Map<string, StoreRow>()
      for (const key of keys) {
        const row = read(key, options)
        if (row !== undefined) rows.set(key, row)
      }
      return free(rows)
    },
    has: (key: string) => free(peek(key) !== undefined),
    deadline: (key: string) => free(peek(key)?.expiresAt),
  }
}
