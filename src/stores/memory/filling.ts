/** The three steps of a fill in memory; `src/fill` says what they are for. */
import type { ClaimAnswer, ClaimRequest, FillRequest, Sliding } from '../../store/claims.ts'
import { free, type Row as StoreRow } from '../../store/store.ts'
import { instantOf, type MemoryStorage, moveDeadline, type Row } from './storage.ts'

/**
 * The steps of a fill on a storage.
 *
 * The lease alone is the fence, because every write takes it away. An entry that is evicted meanwhile cannot open it.
 */
export function filling(storage: MemoryStorage) {
  const { leases, tagLog } = storage
  return {
    readOrClaim: (request: ClaimRequest) => free(readOrClaim(storage, request)),
    fill(request: FillRequest) {
      const lease = leases.get(request.key)
      if (lease?.token !== request.token) return free(false)
      leases.delete(request.key)
      const filledAt = request.asOf === null ? lease.claimedAt : tagLog.positionOf(request.asOf)
      if (tagLog.rejects(request.tags, filledAt)) return free(false)
      storage.put(rowOf(request, filledAt, storage.now()))
      return free(true)
    },
    release(key: string, token: string) {
      if (leases.get(key)?.token === token) leases.delete(key)
      return free(undefined)
    },
  }
}

function readOrClaim(storage: MemoryStorage, request: ClaimRequest): ClaimAnswer {
  const { key, token, leaseMs, force, sliding } = request
  const at = storage.now()
  const row = storage.read(key)
  const state = row === undefined ? 'gone' : stateOf(storage, row, request.staleMs, at)
  const isDueEarly = row?.computeMs != null && request.early > 0 && row.expiresAt <= at + row.computeMs * request.early
  if (row !== undefined && state === 'live' && sliding !== undefined) slide(row, sliding, at)
  const lease = storage.leases.get(key)
  const isHeld = lease !== undefined && lease.token !== token && lease.expiresAt > at
  const isClaimed = (state !== 'live' || isDueEarly || force) && !isHeld
  if (isClaimed) {
    storage.claim(key, { token, expiresAt: at + leaseMs, claimedAt: storage.tagLog.position() })
  }
  return {
    entry:
      row === undefined || state === 'gone'
        ? undefined
        : { state, ...rowFor(row, at), servableMs: servableMs(row, request.staleMs, at) },
    claimed: isClaimed,
    heldMs: isHeld ? lease.expiresAt - at : undefined,
  }
}

/** The row for a caller that keeps a copy. */
export function rowFor({ value, number, expiresAt, tags }: Row, at: number): StoreRow {
  return { value, number, remainingMs: expiresAt - at, tags }
}

function servableMs({ expiresAt, keptUntil }: Row, staleMs: number | null, at: number): number {
  return Math.min(keptUntil, expiresAt + (staleMs ?? Number.POSITIVE_INFINITY)) - at
}

function stateOf(storage: MemoryStorage, row: Row, staleMs: number | null, at: number): 'live' | 'stale' | 'gone' {
  if (storage.isRejected(row)) return 'gone'
  if (row.expiresAt > at) return 'live'
  const isTaken = staleMs === null || row.expiresAt + staleMs > at
  return isTaken && row.keptUntil > at ? 'stale' : 'gone'
}

function rowOf(request: FillRequest, filledAt: number, at: number): Row {
  const { key, value, number, tags, computeMs } = request
  const { deadline, maxAgeMs, staleMs } = request
  const expiresAt = Math.min(instantOf(deadline, at), at + (maxAgeMs ?? Number.POSITIVE_INFINITY))
  const keptUntil = expiresAt <= at ? expiresAt : expiresAt + (staleMs ?? Number.POSITIVE_INFINITY)
  return { key, value, number, tags, computeMs, filledAt, expiresAt, keptUntil, createdAt: at, updatedAt: at }
}

/** Moves a live entry's deadline if the move is due. */
export function slide(row: Row, { ttlMs, lifeMs, maxAgeMs }: Sliding, at: number): void {
  const oldest = row.createdAt + (maxAgeMs ?? Number.POSITIVE_INFINITY)
  if (row.expiresAt < Math.min(at + ttlMs, oldest)) moveDeadline(row, Math.min(at + lifeMs, oldest), at)
}
