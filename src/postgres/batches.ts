/** Statements on many rows, in batches that become smaller where they take too long. */
import { isOutOfTime } from './retry.ts'

const SHRINK_BY = 8

/** What a batch answers, or the error of one that took too long where a smaller one may not. */
export async function inTime<Row>(
  batch: number,
  work: (batch: number) => Promise<Row[]>,
): Promise<{ row: Row } | { late: unknown }> {
  try {
    const [row] = await work(batch)
    return { row: row as Row }
  } catch (error) {
    if (batch === 1 || !isOutOfTime(error)) throw error
    return { late: error }
  }
}

/** Rows with large values take longer to delete, and a size that never ends in time would stop the work for good. */
export function smaller(batch: number): number {
  return Math.ceil(batch / SHRINK_BY)
}
