/** Sliding reads: they extend a deadline, and still return the value if the database refuses writes. */
import type { Sliding } from '../store/claims.ts'
import type { StoredValue } from '../values/codec.ts'
import { readDue } from './operations/read-due.ts'
import { readOne } from './operations/read-one.ts'
import { readSliding } from './operations/read-sliding.ts'
import type { Run } from './session.ts'
import { readEitherWay, type WriteRefusals } from './write-refusals.ts'

/**
 * True if a sliding read may be sent. Inside a transaction of the caller, the deadline must be due and the role must be
 * allowed to write.
 */
export async function maySlide(run: Run, refusals: WriteRefusals, values: Record<string, unknown>): Promise<boolean> {
  return !refusals.isInTransaction || ((await run(readDue, values))[0]?.isDue ?? false)
}

/**
 * Reads the live row of one key, and extends its deadline if that is due and allowed.
 *
 * Inside a transaction of the caller, a refused statement would end the transaction. So this first reads whether the
 * deadline is due. If it is, the read costs a second round trip.
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
