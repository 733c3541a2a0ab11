/** Counts and listings of the memory store. */
import type { EntryState } from '../../cache.ts'
import { listedState, selectPage, storedBytes, sumStats, toListedRow } from '../../store/entries.ts'
import type { CountingInput, ListInput } from '../../store/inputs.ts'
import { toReply } from '../../store/store.ts'
import type { Scope } from '../../values/key.ts'
import type { MemoryRow } from './row.ts'
import type { MemoryStorage } from './storage.ts'

/**
 * The fields that decide whether a row is counted or listed. The size is omitted, because measuring a value costs more.
 */
interface Listed {
  readonly key: string
  readonly state: EntryState
  readonly expiresAt: Date | null
  readonly row: MemoryRow
}

export function inspecting(storage: MemoryStorage) {
  function listScope({ prefix }: Scope): Listed[] {
    const at = storage.now()
    return [...storage.rows()]
      .filter(({ key }) => key.startsWith(prefix))
      .map((row) => ({
        key: row.key,
        state: listedState(row, storage.isRejected(row), at),
        expiresAt: Number.isFinite(row.expiresAt) ? new Date(row.expiresAt) : null,
        row,
      }))
  }

  return {
    size(scope: Scope, input?: CountingInput) {
      const rows = listScope(scope)
      input?.onProgress?.(rows.length)
      return toReply(rows.filter(({ state }) => state === 'live').length)
    },
    stats(scope: Scope, input?: CountingInput) {
      const rows = listScope(scope)
      input?.onProgress?.(rows.length)
      return toReply(sumStats(rows.map(({ row, ...listed }) => ({ ...listed, bytes: storedBytes(row) }))))
    },
    list(scope: Scope, input: ListInput) {
      const page = selectPage(listScope(scope), scope, input)
      return toReply(page.map(({ row }) => toListedRow(row, storage.isRejected(row), storage.now())))
    },
  }
}
