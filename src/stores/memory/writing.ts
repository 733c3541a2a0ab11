/** Writes and counters of the memory store. Every write deletes the lease, so that the fill under it is refused. */

import { countEntry, limitEntry } from '../../store/counters.ts'
import { buildEntry, type StoredEntry, touchEntry } from '../../store/entries.ts'
import type { LimitInput } from '../../store/limits.ts'
import { type CountInput, type Item, toReply, type WriteInput } from '../../store/store.ts'
import type { Deadline } from '../../values/expiration.ts'
import type { MemoryRow } from './row.ts'
import type { MemoryStorage } from './storage.ts'

export function writing(storage: MemoryStorage) {
  /** Returns the live entry. Counts as a use. */
  function liveRow(key: string, at: number): MemoryRow | undefined {
    const row = storage.read(key)
    return row !== undefined && storage.isLive(row, at) ? row : undefined
  }

  function put(entry: StoredEntry): void {
    storage.leases.delete(entry.key)
    storage.put(entry)
  }

  function write(item: Item, input: WriteInput): void {
    const { asOf } = input
    const position = asOf === null ? storage.tagLog.position() : storage.tagLog.positionOf(asOf)
    put(buildEntry(item, input, position, storage.now()))
  }

  return {
    write(items: readonly Item[], input: WriteInput) {
      for (const item of items) write(item, input)
      return toReply(items.filter(({ key }) => storage.peek(key) !== undefined).length)
    },
    add(item: Item, input: WriteInput) {
      const row = storage.peek(item.key)
      if (row !== undefined && storage.isLive(row)) return toReply(false)
      write(item, input)
      return toReply(true)
    },
    touch(key: string, deadline: Deadline) {
      const at = storage.now()
      const row = liveRow(key, at)
      if (row === undefined) return toReply(false)
      const touched = touchEntry<StoredEntry>(row, deadline, at)
      storage.put(touched)
      // A touch with a past deadline makes the entry absent, so it counts as a write.
      if (touched.expiresAt <= at) storage.leases.delete(key)
      return toReply(true)
    },
    count(key: string, input: CountInput) {
      const at = storage.now()
      const counter = countEntry(liveRow(key, at), key, input, at)
      put(counter)
      return toReply(counter.number)
    },
    limit(key: string, rule: LimitInput) {
      const at = storage.now()
      const { entry, window, isChanged } = limitEntry(liveRow(key, at), key, rule, at)
      if (isChanged) put(entry)
      return toReply(window)
    },
  }
}
