/** Removals, invalidation and cleanup of the memory store. */

import type { CleanupResult } from '../../cache.ts'
import type { SweepInput } from '../../store/inputs.ts'
import { toReply } from '../../store/store.ts'
import { inBatches, timeLimit } from '../../values/in-batches.ts'
import type { Scope } from '../../values/key.ts'
import type { MemoryRow } from './row.ts'
import type { MemoryStorage } from './storage.ts'

export function removing(storage: MemoryStorage) {
  /** Removes an entry in any state. Returns it if it was live. */
  function take(key: string): MemoryRow | undefined {
    const row = storage.peek(key)
    storage.leases.delete(key)
    storage.remove(key)
    return row !== undefined && storage.isLive(row) ? row : undefined
  }

  /** True if no caller can get the row any more, not even as a stale value. */
  function isPast(row: MemoryRow): boolean {
    return row.staleUntil <= storage.now() || storage.isRejected(row)
  }

  function sweep({ prefix }: Scope, input: SweepInput): CleanupResult {
    const isOver = timeLimit(input)
    const past = [...storage.rows()].filter((row) => row.key.startsWith(prefix) && isPast(row))
    let total = 0
    for (const { size } of inBatches({ size: () => input.batch, isOver })) {
      const part = past.splice(0, size)
      // Keep a row that a progress listener has replaced meanwhile.
      for (const row of part) if (storage.peek(row.key) === row) storage.remove(row.key)
      total += part.length
      input.onProgress?.(total)
      if (part.length < size) return { removed: total, more: false }
    }
    return { removed: total, more: true }
  }

  return {
    remove: (keys: readonly string[]) => toReply(keys.filter((key) => take(key) !== undefined).length),
    take: (key: string) => toReply(take(key)),
    clear({ prefix }: Scope) {
      const isInside = (key: string) => key.startsWith(prefix)
      for (const key of [...storage.leases.keys()].filter(isInside)) storage.leases.delete(key)
      const rows = [...storage.rows()].filter((row) => isInside(row.key))
      for (const { key } of rows) storage.remove(key)
      return toReply(rows.length)
    },
    sweep: (scope: Scope, input: SweepInput) => toReply(sweep(scope, input)),
    invalidate(tags: readonly string[]) {
      storage.tagLog.invalidate(tags)
      return toReply(undefined)
    },
    snapshot: () => toReply<string>(storage.tagLog.snapshot()),
  }
}
