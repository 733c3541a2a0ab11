/** Reads that push a deadline out, and that still return the value if the database refuses writes. */
import type { Sliding } from '../store/claims.ts'
import type { StoredValue } from '../values/codec.ts'
import { readDue } from './operations/read-due.ts'
import { readOne } from './operations/read-one.ts'
import { readSliding } from './operations/read-sliding.ts'
import type { Run } from './session.ts'
import { readEitherWay, type WriteRefusals } from './write-refusals.ts'

/** True if a sliding read may be sent. In a transaction of the caller, only if it is due and the role may write. */
export async function maySlide(run: Run, refusals: WriteRefusals, values: Record<string, unknown>): Promise<boolean> {
  return !refusals.isInTransaction || ((await run(readDue, values))[0]?.isDue ?? false)
}

/**
 * Reads the live row of one key, and pushes its deadline out if that is due and allowed.
 *
 * In a transaction of the caller, a refused statement would end everything. There it first reads whether the deadline is
 * due, which costs a second round trip if it is.
 */
export async function readSlidingRow(
  run: Run,
  refusals: WriteRefusals,
  key: string,
  sliding: Sliding,
): Promise<StoredValue | undefined> {
  const values = { key, ...sliding }
  const slide = async () => (await run(readSliding, values))[0]
  if (!refusals.isInTransaction) return readEitherWay(refusals, slide, async () => (await run(readOne, { key }))[0])
  const [row] = await run(readDue, values)
  return row?.isDue ? slide() : row
}
