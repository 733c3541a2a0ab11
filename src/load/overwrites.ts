/** For an instant, finds the write that began last among the writes that had certainly happened by then. */
import type { Recorded } from './history.ts'

export interface Overwrite {
  readonly record: Recorded
  /** The instant by which the write had happened: its end, or the end of the first read that saw it. */
  readonly by: number
}

export function latestBefore(overwrites: readonly Overwrite[]): (instant: number) => Overwrite | undefined {
  const sorted = overwrites.filter(({ by }) => by < Number.POSITIVE_INFINITY).toSorted((a, b) => a.by - b.by)
  const best: Overwrite[] = []
  for (const overwrite of sorted) {
    const last = best.at(-1)
    best.push(last && last.record.start > overwrite.record.start ? last : overwrite)
  }
  return (instant) => {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sorted[middle]?.by ?? instant) < instant) low = middle + 1
      else high = middle
    }
    return best[low - 1]
  }
}
