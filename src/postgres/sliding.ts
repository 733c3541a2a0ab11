/** Reads that push a deadline out, and that still return the value if the database refuses writes. */
import type { Sliding } from '../store/claims.ts'
import { now } from '../values/clock.ts'
import type { StoredValue } from '../values/codec.ts'
import { DatabaseError } from '../values/errors.ts'
import { readDue } from './operations/read-due.ts'
import { readOne } from './operations/read-one.ts'
import { readSliding } from './operations/read-sliding.ts'
import type { Run } from './session.ts'

/** SQLSTATEs of a read-only transaction, a standby, a role that may only read, and a full disk. */
const REFUSALS = new Set(['25006', '42501', '53100'])

/** Not for ever, because a standby can be promoted, a right granted, and room made. */
const REMEMBERED_MS = 60_000

/** Remembers that the database refused a write of this store, so that later reads need no second round trip. */
export interface WriteRefusals {
  isKnown(): boolean
  /** Returns true, and remembers for a minute, if the error says that this session may not write. */
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
      // The refusal ended the caller's transaction, so no read can follow in it.
      if (!isRefusal || isInTransaction) return false
      refusedUntil = now() + REMEMBERED_MS
      return true
    },
  }
}

/**
 * Runs a read that may write. If the database refuses writes, runs the one that only reads.
 *
 * Do not call it inside a transaction of the caller, because a refusal would end it.
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
