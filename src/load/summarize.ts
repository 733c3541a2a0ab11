/** Computes the figures of a run from raw samples. Percentiles come from the samples, not from buckets. */
import type { OperationName, Recorded } from './history.ts'

export interface OperationFigures {
  readonly operation: OperationName
  readonly count: number
  readonly errors: number
  /** Milliseconds, for calls that did not fail. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

export interface LoadSummary {
  readonly durationMs: number
  readonly calls: number
  readonly errors: number
  readonly computations: number
  /** The share of successful reads that found a value without computing it. */
  readonly hitRate: number
  readonly operations: readonly OperationFigures[]
  /** The number of calls that took at most `upToMs`, and more than the row before. */
  readonly histogram: readonly { readonly upToMs: number; readonly count: number }[]
}

export function summarize(history: readonly Recorded[], durationMs: number): LoadSummary {
  const done = history.filter(({ failed }) => failed === undefined)
  const reads = done.filter(({ operation }) => operation === 'get' || operation === 'getOrSet')
  const hits = reads.filter(({ version, computation }) => version !== undefined && !computation).length
  const names = [...new Set(history.map(({ operation }) => operation))].toSorted()
  return {
    durationMs,
    calls: history.length,
    errors: history.length - done.length,
    computations: history.filter(({ computation }) => computation).length,
    hitRate: reads.length === 0 ? 0 : hits / reads.length,
    operations: names.map((name) => figuresOf(name, history)),
    histogram: histogramOf(done.map(({ start, end }) => end - start)),
  }
}

function figuresOf(operation: OperationName, history: readonly Recorded[]): OperationFigures {
  const all = history.filter((record) => record.operation === operation)
  const samples = all.filter(({ failed }) => failed === undefined).map(({ start, end }) => end - start)
  const sorted = samples.toSorted((a, b) => a - b)
  return {
    operation,
    count: all.length,
    errors: all.length - samples.length,
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    max: sorted.at(-1) ?? 0,
  }
}

/** Returns the nearest rank, which is always a measured sample. Returns 0 without samples. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

/** Each bucket is twice as wide as the one before, so that fast hits and slow waits are both visible. */
const FIRST_BUCKET_MS = 0.25

export function histogramOf(samples: readonly number[]): { upToMs: number; count: number }[] {
  const counts = new Map<number, number>()
  for (const sample of samples) {
    const bucket = Math.max(0, Math.ceil(Math.log2(sample / FIRST_BUCKET_MS)))
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
  }
  const last = Math.max(-1, ...counts.keys())
  return Array.from({ length: last + 1 }, (_, i) => ({ upToMs: FIRST_BUCKET_MS * 2 ** i, count: counts.get(i) ?? 0 }))
}
