/** Keeps a scope to its capacity: what `clearExpired` does after what is past keeping is gone. */
import type { CleanupResult } from '../cache.ts'
import type { Cost } from '../values/events.ts'
import { keyRange } from '../values/key.ts'
import { inTime, smaller } from './batches.ts'
import type { Capacity } from './capacity.ts'
import type { Context } from './context.ts'
import { evict } from './operations/evict.ts'
import { forScope } from './operations/scoped.ts'
import { stats } from './operations/stats.ts'

/** Of one run. A bound that was set too low by mistake then takes some runs to empty a cache, and can be noticed. */
export const MAX_EVICTED = 50_000

interface Run {
  /** Entries of one statement. */
  readonly batch: number
  /** Whether no further statement is to be sent. */
  readonly isOver: () => boolean | undefined
  readonly cost: Cost
}

export async function evictTo(
  { runner, scope }: Context,
  { maxEntries, maxBytes }: Capacity,
  { batch, isOver, cost }: Run,
): Promise<Required<Pick<CleanupResult, 'evicted' | 'more'>>> {
  const range = { ...keyRange(scope) }
  const [held] = await runner.run(forScope(stats, scope), range, cost)
  let entries = Math.max(0, (held?.total ?? 0) - maxEntries)
  let bytes = Math.max(0, (held?.bytes ?? 0) - maxBytes)
  const entryBytes = (held?.bytes ?? 0) / Math.max(1, held?.total ?? 0)
  let evicted = 0
  let largest = batch
  while (entries > 0 || bytes > 0) {
    const wanted = Math.max(entries, Math.ceil(bytes / Math.max(1, entryBytes)))
    const size = Math.min(largest, wanted, MAX_EVICTED - evicted)
    const answer = await inTime(size, () => runner.run(forScope(evict, scope), { ...range, batch: size }, cost))
    if ('late' in answer) largest = smaller(size)
    else {
      const part = answer.row
      evicted += part.evicted
      entries -= part.evicted
      bytes -= part.bytes
      // What is left is locked, or being computed.
      if (part.evicted === 0) return { evicted, more: false }
    }
    if (evicted >= MAX_EVICTED || isOver()) break
  }
  return { evicted, more: entries > 0 || bytes > 0 }
}
