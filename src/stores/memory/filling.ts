/** The three steps of a fill in memory. `src/fill` explains the steps. */
import type { ClaimAnswer, ClaimRequest, FillRequest } from '../../store/claims.ts'
import { backOff, buildFilledEntry, claimEntry } from '../../store/entries.ts'
import { toReply } from '../../store/store.ts'
import type { MemoryStorage } from './storage.ts'

/**
 * Creates the steps of a fill on a storage.
 *
 * The lease alone fences a fill, because every write removes the lease. The eviction of an entry does not affect it.
 */
export function filling(storage: MemoryStorage) {
  const { leases, tagLog } = storage

  function readOrClaim(request: ClaimRequest): ClaimAnswer {
    const { key } = request
    const row = storage.read(key)
    const entry = row === undefined || storage.isRejected(row) ? undefined : row
    const lease = leases.get(key)
    const next = claimEntry({ entry, lease, position: tagLog.position() }, request, storage.now())
    if (next.lease !== undefined && next.lease !== lease) storage.claim(key, next.lease)
    if (next.entry !== undefined && next.entry !== entry) storage.put(next.entry)
    return next.answer
  }

  return {
    readOrClaim: (request: ClaimRequest) => toReply(readOrClaim(request)),
    fill(request: FillRequest) {
      const lease = leases.get(request.key)
      if (lease?.token !== request.token) return toReply(false)
      leases.delete(request.key)
      const position = request.asOf === null ? lease.position : tagLog.positionOf(request.asOf)
      if (tagLog.rejects(request.tags, position)) return toReply(false)
      storage.put(buildFilledEntry(request, position, storage.now()))
      // Reply false if there is no room for the entry.
      return toReply(storage.peek(request.key) !== undefined)
    },
    release(key: string, token: string, backoffMs?: number) {
      const lease = leases.get(key)
      if (lease?.token !== token) return toReply(undefined)
      leases.delete(key)
      const rest = backOff(lease, backoffMs, storage.now())
      if (rest !== undefined) storage.claim(key, rest)
      return toReply(undefined)
    },
  }
}
