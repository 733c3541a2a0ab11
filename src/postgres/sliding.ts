/** Reads that push a deadline out, and that still answer where the database refuses writes. */
import type { Sliding } from '../fill/store.ts'
import { now } from '../values/clock.ts'
import type { StoredValue } from '../values/codec.ts'
import { DatabaseError } from '../values/errors.ts'
import type { Cost } from '../values/events.ts'
import { readDue } from './operations/read-due.ts'
import { readOne } from './operations/read-one.ts'
import { readSliding } from './operations/read-sliding.ts'
import type { Runner } from './runner.ts'

/** A read-only transaction, a standby, or a role that may only read. */
const REFUSALS = new Set(['25006', '42501'])

/** A standby can be promoted, and a right granted. */
const REMEMBERED_MS = 60_000

/** What a runner's database refused, so that later reads need no second round trip. */
const refusedUntil = new WeakMap<Runner, number>()

/**
 * Runs a read that may write; if the database refuses writes, the one that only reads.
 *
 * Not for a transaction of the caller's, which the refusal would end.
 */
export async function readEitherWay<T>(runner: Runner, write: () => Promise<T>, read: () => Promise<T>): Promise<T> {
  if (isKnownToRefuse(runner)) return read()
  try {
    return await write()
  } catch (error) {
    if (!noteRefusal(runner, error)) throw error
    return read()
  }
}

/** Whether the database has lately refused a write of this runner's. */
export function isKnownToRefuse(runner: Runner): boolean {
  return now() < (refusedUntil.get(runner) ?? 0)
}

/** Whether an error says that the database takes no writes from this session. If so, it is remembered for a minute. */
export function noteRefusal(runner: Runner, error: unknown): boolean {
  const isRefusal = error instanceof DatabaseError && REFUSALS.has(error.sqlState ?? '')
  // A transaction ends with the refusal, and nothing more can be read in it.
  if (!isRefusal || runner.isInTransaction) return false
  refusedUntil.set(runner, now() + REMEMBERED_MS)
  return true
}

/** Whether a sliding read may be sent as it is: in a transaction of the caller's only if it is due and allowed. */
export async function maySlide(runner: Runner, values: Record<string, unknown>, cost: Cost): Promise<boolean> {
  return !runner.isInTransaction || ((await runner.run(readDue, values, cost))[0]?.isDue ?? false)
}

/**
 * The live row of one key; pushes its deadline out when that is due and allowed.
 *
 * In a transaction of the caller's, where a refused statement would end everything, it first asks whether the deadline is
 * due: two round trips if it is.
 */
export async function readSlidingRow(
  runner: Runner,
  key: string,
  sliding: Sliding,
  cost: Cost,
): Promise<StoredValue | undefined> {
  const values = { key, ...sliding }
  const slide = async () => (await runner.run(readSliding, values, cost))[0]
  if (!runner.isInTransaction) {
    return readEitherWay(runner, slide, async () => (await runner.run(readOne, { key }, cost))[0])
  }
  const [row] = await runner.run(readDue, values, cost)
  return row?.isDue ? slide() : row
}
