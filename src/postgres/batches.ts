/** Statements on many rows, in batches that become smaller where they take too long. */
import { isOutOfTime } from './retry.ts'

const SHRINK_BY = 8

/** What a batch answers, or undefined where it took too long and a smaller one may not. */
export async function inTime<T>(batch: number, work: (batch: number) => Promise<T>): Promise<T | undefined> {
  try {
    return await work(batch)
  } catch (error) {
    if (batch === 1 || !isOutOfTime(error)) throw error
    return undefined
  }
}

/** Rows with large values take longer to delete, and a size that never ends in time would stop the work for good. */
export function smaller(batch: number): number {
  return Math.ceil(batch / SHRINK_BY)
}
