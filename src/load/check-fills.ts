/**
 * Checks keys that are computed, deleted and invalidated. Only one computation runs at a time, and no read returns a
 * value that a later delete or invalidation removed.
 */
import { byKey, type Computation, latest, type Recorded } from './history.ts'
import { latestBefore } from './overwrites.ts'
import { describeCall, type Violation } from './violation.ts'

type Computed = Recorded & { readonly computation: Computation }

/** @param leaseMs the time in which no second computation may begin */
export function checkFills(history: readonly Recorded[], leaseMs: number): Violation[] {
  return [...byKey(history, 'fill')].flatMap(([key, records]) => {
    const computed = records.filter((record): record is Computed => record.computation !== undefined)
    const removals = records.filter(({ operation }) => operation === 'delete' || operation === 'invalidate')
    return [...checkReads(key, records, computed, removals), ...checkAlone(key, computed, removals, leaseMs)]
  })
}

function checkReads(
  key: string,
  records: readonly Recorded[],
  computed: readonly Computed[],
  removals: readonly Recorded[],
): Violation[] {
  const origins = new Map(computed.map((record) => [record.computation.version, record]))
  const removedBy = latestBefore(removals.map((record) => ({ record, by: latest(record) })))
  return records.flatMap((read): Violation[] => {
    if (read.version === undefined || read.failed !== undefined) return []
    const origin = origins.get(read.version)
    if (!origin || origin.computation.start > read.end) {
      const story = `${describeCall(read)} got ${read.version}, which nobody had computed.`
      return [{ kind: 'value of nobody', key, story }]
    }
    const removal = removedBy(read.start)?.record
    // The lease was claimed before the computation began. So a removal that began later must have fenced the value off.
    if (!removal || removal.start <= origin.computation.start) return []
    const kind = removal.operation === 'delete' ? 'value after delete' : 'invalidation ignored'
    const since = origin.computation.start.toFixed(1)
    return [
      {
        kind,
        key,
        story: `${describeCall(read)} got ${read.version}, computed at ${since} ms, after ${describeCall(removal)}.`,
      },
    ]
  })
}

function checkAlone(
  key: string,
  computed: readonly Computed[],
  removals: readonly Recorded[],
  leaseMs: number,
): Violation[] {
  const violations: Violation[] = []
  let running: Computed | undefined
  for (const next of computed.toSorted((a, b) => a.computation.start - b.computation.start)) {
    const first = running
    if (!first || next.computation.end > first.computation.end) running = next
    if (!first || first.computation.end <= next.computation.start) continue
    // After a removal, a caller computes at once instead of waiting for the older computation. The removal counts from
    // the start of the earlier call, because it may have broken that call's lease before the answer to the claim
    // arrived.
    const since = Math.min(first.start, next.start)
    const isFenced = removals.some((r) => latest(r) > since && r.start < next.computation.start)
    if (isFenced || next.computation.start - first.start >= leaseMs) continue
    const story = `${describeCall(next)} computed while ${describeCall(first)} was still computing, without a delete or an invalidation in between.`
    violations.push({ kind: 'double computation', key, story })
  }
  return violations
}
