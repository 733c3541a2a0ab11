/** Keys that are computed, deleted and invalidated: one computation at a time, and none outlives what came after it. */
import { byKey, type Computation, latest, type Recorded } from './history.ts'
import { latestBefore } from './overwrites.ts'
import { told, type Violation } from './violation.ts'

type Computed = Recorded & { readonly computation: Computation }

/** @param leaseMs how long a computation is alone; after that another may begin */
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
      const story = `${told(read)} got ${read.version}, which nobody had computed.`
      return [{ kind: 'value of nobody', key, story }]
    }
    const removal = removedBy(read.start)?.record
    // The claim was made before the computation began, so whatever began after that must have fenced the value off.
    if (!removal || removal.start <= origin.computation.start) return []
    const kind = removal.operation === 'delete' ? 'value after delete' : 'invalidation ignored'
    const since = origin.computation.start.toFixed(1)
    return [{ kind, key, story: `${told(read)} got ${read.version}, computed at ${since} ms, after ${told(removal)}.` }]
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
    // What was overtaken must not be waited for: whoever calls after a removal computes at once. Since the earlier call
    // began, for its claim may have been broken before the answer to it came, and its computation with it.
    const since = Math.min(first.start, next.start)
    const overtaken = removals.some((r) => latest(r) > since && r.start < next.computation.start)
    if (overtaken || next.computation.start - first.start >= leaseMs) continue
    const story = `${told(next)} computed while ${told(first)} still did, and nothing had been removed meanwhile.`
    violations.push({ kind: 'double computation', key, story })
  }
  return violations
}
