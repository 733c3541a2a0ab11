/** `clearExpired`: removes entries that no read can return, and keeps a scope within its capacity. */

import type { CleanupResult } from '../cache.ts'
import type { SweepInput } from '../store/inputs.ts'
import { inBatches, timeLimit } from '../values/in-batches.ts'
import { keyRange, type Scope } from '../values/key.ts'
import { randomNumber } from '../values/random.ts'
import { sendBatch } from './batches.ts'
import type { Capacity } from './capacity.ts'
import { evict, evictSizes } from './operations/evict.ts'
import { forScope } from './operations/scoped.ts'
import { stats } from './operations/stats.ts'
import { SWEEP_START, sweep, sweepSizes } from './operations/sweep.ts'
import { pause } from './retry.ts'
import type { Run } from './session.ts'

/** After losing the cleanup lock this often in a row, a run leaves the rest to the run that holds it. */
const MAX_LOCKS_LOST = 10
const LOCK_PAUSE_MS = 20
/**
 * The most entries that one run evicts. If a bound is too low by mistake, a cache empties over several runs, which
 * leaves time to notice.
 */
export const MAX_EVICTED = 50_000

export async function cleanUp(
  run: Run,
  scope: Scope,
  input: SweepInput,
  capacity: Capacity | undefined,
): Promise<CleanupResult> {
  const isOver = timeLimit(input)
  const swept = await sweepAll(run, scope, input, isOver)
  if (capacity === undefined) return swept
  // Expired entries go first.
  if (swept.more) return { ...swept, evicted: 0 }
  return { ...swept, ...(await evictTo(run, scope, capacity, input.batch, isOver)) }
}

async function sweepAll(
  run: Run,
  scope: Scope,
  { batch, onProgress }: SweepInput,
  isOver: () => boolean,
): Promise<CleanupResult> {
  const range = keyRange(scope)
  // A run looks once for entries that a tag rejects. In a scope it starts at the beginning, otherwise where the last
  // run ended.
  let at: Record<keyof typeof SWEEP_START | 'after', string | number | boolean | null> = {
    ...SWEEP_START,
    after: range.from,
  }
  let isDense = false
  let total = 0
  let hadLock = false
  let locksLost = 0
  let hasSwept = false
  let late: unknown
  for (const next of inBatches({ size: () => batch, isOver })) {
    const sent = await sendBatch(next, (size) =>
      run(forScope(sweep, scope), { ...range, ...at, ...sweepSizes(size, isDense) }),
    )
    late = sent.late
    const swept = sent.row
    if (swept === undefined) continue
    hasSwept = true
    total += swept.removed
    onProgress?.(total)
    locksLost = swept.isLockedByOther ? locksLost + 1 : 0
    hadLock ||= !swept.isLockedByOther
    // Two runs can each see the other holding the lock. The one that held it first retries; otherwise both would stop.
    const retries = swept.isLockedByOther && hadLock && locksLost <= MAX_LOCKS_LOST
    if (!swept.more && !retries) return { removed: total, more: false }
    // Add jitter; otherwise the two runs would stop each other again.
    if (retries) await pause(LOCK_PAUSE_MS * (0.5 + randomNumber()))
    at = {
      begin: false,
      trims: swept.isLockedByOther ? at.trims : swept.trims,
      leases: swept.leases,
      slot: swept.slot ?? at.slot,
      after: swept.after,
    }
    isDense = swept.removed >= next.size
  }
  // If no batch succeeded, throw. Otherwise a database that never answers would look like one with much left to remove.
  if (late !== undefined && !hasSwept) throw late
  return { removed: total, more: true }
}

async function evictTo(
  run: Run,
  scope: Scope,
  { maxEntries, maxBytes }: Capacity,
  largest: number,
  isOver: () => boolean,
): Promise<Required<Pick<CleanupResult, 'evicted' | 'more'>>> {
  const range = keyRange(scope)
  const [held] = await run(forScope(stats, scope), { ...range })
  let entries = Math.max(0, (held?.total ?? 0) - maxEntries)
  let bytes = Math.max(0, (held?.bytes ?? 0) - maxBytes)
  const entryBytes = (held?.bytes ?? 0) / Math.max(1, held?.total ?? 0)
  let evicted = 0
  const wanted = () => Math.max(entries, Math.ceil(bytes / Math.max(1, entryBytes)))
  if (wanted() === 0) return { evicted, more: false }
  let minCompared: number | undefined
  for (const next of inBatches({ size: () => Math.min(largest, wanted(), MAX_EVICTED - evicted), isOver })) {
    const { row: part, late } = await sendBatch(next, (size) =>
      run(forScope(evict, scope), { ...range, ...evictSizes(size, minCompared) }),
    )
    // Comparing takes most of the time, so a smaller batch must compare less.
    if (late !== undefined) minCompared = 0
    if (part !== undefined) {
      evicted += part.evicted
      entries -= part.evicted
      bytes -= part.bytes
      // The remaining entries are locked, or are being computed.
      if (part.evicted === 0) return { evicted, more: false }
    }
    if ((entries <= 0 && bytes <= 0) || evicted >= MAX_EVICTED) break
  }
  return { evicted, more: entries > 0 || bytes > 0 }
}
