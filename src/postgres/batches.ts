/** Statements on many rows, in batches. */
import { isOutOfTime, isTooLarge } from './retry.ts'

/** Keys of one statement: at 512 bytes each, some 5 MB. */
export const MAX_KEYS = 10_000

/** A batch that ran out of time is tried again at this fraction of its size. */
const SHRINK_BY = 8

/** The answer of a batch, or the error of one that took too long. */
export type Batch<Row> = { readonly row: Row; readonly late?: never } | { readonly row?: never; readonly late: unknown }

/**
 * Sends a statement of one row once per batch, until the consumer stops.
 *
 * Rows with large values take longer to delete, and a size that never ends in time would stop the work for good. So a
 * batch that runs out of time makes all later ones smaller.
 *
 * @param largest the most rows of the next batch
 */
export async function* inBatches<Row>(
  largest: () => number,
  send: (size: number) => Promise<Row[]>,
): AsyncGenerator<Batch<Row>> {
  let bound = Number.POSITIVE_INFINITY
  for (;;) {
    const size = Math.min(bound, largest())
    const batch = await sendBatch(size, send)
    if (batch.late !== undefined) bound = Math.ceil(size / SHRINK_BY)
    yield batch
  }
}

async function sendBatch<Row>(size: number, send: (size: number) => Promise<Row[]>): Promise<Batch<Row>> {
  try {
    const [row] = await send(size)
    return { row: row as Row }
  } catch (error) {
    // A smaller batch may end in time.
    if (size === 1 || !isOutOfTime(error)) throw error
    return { late: error }
  }
}

/** Splits a list by number. */
export function* chunks<T>(items: readonly T[], size = MAX_KEYS): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size)
}

/** Rows by stored key, read in parts if they are very many, or too large for one answer. */
export async function inParts<Row extends { readonly key: string }>(
  keys: readonly string[],
  read: (part: readonly string[]) => Promise<readonly Row[]>,
): Promise<Map<string, Row>> {
  const rows = new Map<string, Row>()
  async function readPart(part: readonly string[]): Promise<void> {
    try {
      for (const row of await read(part)) rows.set(row.key, row)
    } catch (error) {
      if (part.length === 1 || !isTooLarge(error)) throw error
      await readPart(part.slice(0, part.length / 2))
      await readPart(part.slice(part.length / 2))
    }
  }
  for (const part of chunks(keys)) await readPart(part)
  return rows
}

/**
 * Sends a removal. It is sent once more if the first statement cannot have seen everything, because its snapshot is
 * older than a fill that it met.
 */
export async function againIfRaced<Row extends { raced: boolean }>(remove: () => Promise<Row[]>): Promise<Row[]> {
  const first = await remove()
  return first.some(({ raced }) => raced) ? [...first, ...(await remove())] : first
}
