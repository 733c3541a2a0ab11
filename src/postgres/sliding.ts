/** Reads that push a deadline out, and that still answer if the database refuses writes. */
import type { Sliding } from '../store/claims.ts'
import { now } from '../values/clock.ts'
import type { StoredValue } from '../values/codec.ts'
import { DatabaseError } from '../values/errors.ts'
import { readDue } from './operations/read-due.ts'
import { readOne } from './operations/read-one.ts'
import { readSliding } from './operations/read-sliding.ts'
import type { Run } from './session.ts'

/** A read-only transaction, a standby, or a role that may only read. */
const REFUSALS = new Set(['25006', '42501'])

/** A standby can be promoted, and a right granted. */
const REMEMBERED_MS = 60_000

/** Whether the database has lately refused a write of this store, so that later reads need no second round trip. */
export interface WriteRefusals {
  isKnown(): boolean
  /** True if the error says that the database takes no writes from this session. It is remembered for a minute. */
  note(error: unknown): boolean
  readonly isInTransaction: boolean
}

export function createWriteRefusals(isInTransaction: boolean): WriteRefusals {
  let refusedUntil = 0
  return {
    isInTransaction,
    isKnown: () => now() < refusedUntil,
    note(error) {
      const isRefusal = error instanceof DatabaseError && REFUSALS.has(error.sqlState ?? '')
      // A transaction ends with the refusal, and nothing more can be read in it.
      if (!isRefusal || isInTransaction) return false
      refusedUntil = now() + REMEMBERED_MS
      return true
    },
  }
}

/**
 * Runs a read that may write; if the database refuses writes, the one that only reads.
 *
 * Not for a transaction of the caller: the refusal would end it.
 */
export async function readEitherWay<T>(
  refusals: WriteRefusals,
  write: () => Promise<T>,
  read: () => Promise<T>,
): Promise<T> {
  if (refusals.isKnown()) return read()
  try {
    return await write()
  } catch (error) {
    if (!refusals.note(error)) throw error
    return read()
  }
}

/** Whether a sliding read may be sent as it is: in a transaction of the caller only if it is due and allowed. */
export async function maySlide(run: Run, refusals: WriteRefusals, values: Record<string, unknown>): Promise<boolean> {
  return !refusals.isInTransaction || ((await run(readDue, values))[0]?.isDue ?? false)
}

/**
 * The live row of one key; pushes its deadline out if that is due and allowed.
 *
 * In a transaction of the caller, where a refused statement would end everything, it first asks whether the deadline is
 * due: two round trips if it is.
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
