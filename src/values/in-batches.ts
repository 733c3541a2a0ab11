/** Divides work into batches, until nothing is left or the time is up. */
import { now } from './clock.ts'

/** If a batch runs out of time, the next try has this fraction of its size. */
const SHRINK_BY = 8

export interface Batch {
  /** The most items in this batch. */
  readonly size: number
  /** Makes all later batches smaller, because this batch took too long. Otherwise no batch might ever end in time. */
  shrink(): void
}

export interface BatchLimits {
  /** Returns the most items for the next batch. */
  size(): number
  /** Returns true if no batch may follow. Default: only the consumer ends the work. */
  isOver?(): boolean
}

/**
 * Yields the batches of a work: at least one, then more until `isOver`. The consumer leaves the loop when nothing is
 * left. So code after the loop runs only if something is left.
 *
 * It is a generator, so that it serves synchronous and asynchronous work.
 *
 * @example
 * for (const { size } of inBatches({ size: () => batch, isOver: timeLimit(input) })) {
 *   if (removeUpTo(size) < size) return { more: false }
 * }
 * return { more: true }
 */
export function* inBatches({ size, isOver = () => false }: BatchLimits): Generator<Batch> {
  let bound = Number.POSITIVE_INFINITY
  do {
    const next = Math.min(bound, size())
    yield {
      size: next,
      shrink() {
        bound = Math.ceil(next / SHRINK_BY)
      },
    }
  } while (!isOver())
}

/** Starts the clock. The result is true once the time budget is used up or the signal is aborted. */
export function timeLimit(input: {
  readonly timeBudget: number
  readonly signal: AbortSignal | undefined
}): () => boolean {
  const startedAt = now()
  return () => input.signal?.aborted === true || now() - startedAt >= input.timeBudget
}
