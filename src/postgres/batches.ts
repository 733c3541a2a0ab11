/** Sends statements on many rows in batches. */
import type { Batch } from '../values/in-batches.ts'
import { isDiskFull, isOutOfTime, isTooLarge } from './retry.ts'

/** Keys of one statement: about 5 MB if each has 512 bytes. */
export const MAX_KEYS = 10_000

/** The row that a batch answered with, or the error of a batch that was too large. */
export type Sent<Row> = { readonly row: Row; readonly late?: never } | { readonly row?: never; readonly late: unknown }

/**
 * Sends one batch of a statement that answers with one row. If the statement runs out of time, later batches are
 * smaller, because rows with large values take longer to delete. Later batches are also smaller if the disk is full,
 * because a small batch needs no temporary files, and cleanup frees space.
 *
 * @throws the error of a batch that cannot be smaller, and any error that is neither a timeout nor a full disk
 */
export async function sendBatch<Row>(batch: Batch, send: (size: number) => Promise<Row[]>): Promise<Sent<Row>> {
  try {
    const [row] = await send(batch.size)
    return { row: row as Row }
  } catch (error) {
    if (batch.size === 1 || !(isOutOfTime(error) || isDiskFull(error))) throw error
    batch.shrink()
    return { late: error }
  }
}

/**
 * Splits a list into parts of at most {@link MAX_KEYS} items.
 *
 * @param weigh returns the weight of an item. The items of a part together weigh at most `maxWeight`, unless a single
 *   item weighs more.
 */
export function* chunks<T>(
  items: readonly T[],
  weigh: (item: T) => number = () => 0,
  maxWeight = Number.POSITIVE_INFINITY,
): Generator<readonly T[]> {
  let start = 0
  let weight = 0
  for (const [i, item] of items.entries()) {
    weight += weigh(item)
    if (i > start && (weight > maxWeight || i - start === MAX_KEYS)) {
      yield items.slice(start, i)
      start = i
      weight = weigh(item)
    }
  }
  if (start < items.length) yield items.slice(start)
}

/** Reads rows by stored key. Splits the keys if there are very many, or if the rows are too large for one answer. */
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
 * Sends a removal. Sends it again if the first statement may have missed an entry, because a fill committed after its
 * snapshot.
 */
export async function repeatIfRaced<Row extends { raced: boolean }>(remove: () => Promise<Row[]>): Promise<Row[]> {
  const first = await remove()
  return first.some(({ raced }) => raced) ? [...first, ...(await remove())] : first
}
