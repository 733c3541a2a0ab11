/** Work in batches, until nothing is left or time is up. */
import { now } from './clock.ts'

/** A batch that ran out of time is tried again at this fraction of its size. */
const SHRINK_BY = 8

export interface Batch {
  /** The most items of this batch. */
  readonly size: number
  /** Makes all later batches smaller, because this one took too long. Otherwise it might never end in time. */
  shrink(): void
}

export interface BatchLimits {
  /** The most items of the next batch. */
  size(): number
  /** True if no batch may follow. Default: only the consumer ends the work. */
  isOver?(): boolean
}

/**
 * The batches of a work: at least one, then more until `isOver`. The consumer breaks off when nothing is left, so code
 * behind the loop knows that something is.
 *
 * A generator, so that it serves work that waits and work that does not.
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
