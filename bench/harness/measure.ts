/** Runs variants side by side, so that a machine whose speed drifts treats them alike. */
import { quantileSorted } from 'simple-statistics'
import type { Cell, Spread } from './question.ts'
import type { Settings } from './settings.ts'

/** One way to do the work that is measured. */
export interface Variant {
  readonly name: string
  /** One call. The index grows over the whole run, so that a variant can take a new key for each call. */
  run(index: number): Promise<unknown>
  /** How many operations a call is; default 1. */
  readonly operations?: number
  /** Runs before each slice, outside of the measured time. */
  before?(): Promise<unknown>
}

/** Operations per second in each round, by the name of the variant. */
export type Samples = Map<string, number[]>

export interface Slices {
  readonly rounds: number
  readonly sliceMs: number
  /** How many calls are in flight at once; default 1. */
  readonly atOnce?: number
}

/** Measures each variant once a round, in a new random order each time. The first round warms up and is dropped. */
export async function measure(variants: readonly Variant[], slices: Slices): Promise<Samples> {
  const samples: Samples = new Map(variants.map(({ name }) => [name, []]))
  const indexes = new Map<string, { next: number }>(variants.map(({ name }) => [name, { next: 0 }]))
  for (let round = 0; round <= slices.rounds; round++) {
    for (const variant of shuffled(variants)) {
      await variant.before?.()
      const rate = await slice(variant, indexes.get(variant.name) ?? { next: 0 }, slices)
      if (round > 0) samples.get(variant.name)?.push(rate)
    }
  }
  return samples
}

async function slice(variant: Variant, index: { next: number }, { sliceMs, atOnce = 1 }: Slices): Promise<number> {
  let calls = 0
  const startedAt = performance.now()
  const endsAt = startedAt + sliceMs
  const worker = async () => {
    do {
      await variant.run(index.next++)
      calls++
    } while (performance.now() < endsAt)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return (calls * (variant.operations ?? 1)) / ((performance.now() - startedAt) / 1_000)
}

/** Runs `work` on each item, so many at once. */
export async function each<T>(
  items: Iterable<T>,
  work: (item: T, index: number) => Promise<unknown>,
  atOnce = 8,
): Promise<void> {
  const queue = [...items].entries()
  const worker = async () => {
    for (const [index, item] of queue) await work(item, index)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

export function shuffled<T>(items: readonly T[]): T[] {
  const copy = [...items]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[copy[i], copy[j]] = [copy[j] as T, copy[i] as T]
  }
  return copy
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (p: number) => (sorted.length === 0 ? Number.NaN : quantileSorted(sorted, p))
  return { median: at(0.5), q1: at(0.25), q3: at(0.75), rounds: sorted.length }
}

/** Rates as cells, each with its ratio to the baseline of the same round. */
export function rateCells(samples: Samples, baseline?: string): Cell[] {
  return cells(samples, baseline, (rate) => rate)
}

/** The same as time per operation. */
export function timeCells(samples: Samples, unit: 'milliseconds' | 'nanoseconds', baseline?: string): Cell[] {
  const perSecond = unit === 'milliseconds' ? 1e3 : 1e9
  return cells(samples, baseline, (rate) => perSecond / rate)
}

function cells(samples: Samples, baseline: string | undefined, convert: (rate: number) => number): Cell[] {
  const base = baseline === undefined ? undefined : samples.get(baseline)?.map(convert)
  return [...samples].map(([provider, rates]) => {
    const values = rates.map(convert)
    const ratio = base && spread(values.map((value, round) => value / (base[round] ?? Number.NaN)))
    return { provider, ...spread(values), ...(ratio && { ratio }) }
  })
}

/** A value that was read once, not measured in rounds. */
export function once(provider: string, value: number): Cell {
  return { provider, median: value, q1: value, q3: value, rounds: 1 }
}

/** The slices of a run's settings. */
export function slicesOf({ rounds, sliceMs }: Settings, atOnce = 1): Slices {
  return { rounds, sliceMs, atOnce }
}
