/** Remembers that a database refuses writes, so that not every read costs a refused statement. */
import { now } from '../values/clock.ts'
import { DatabaseError } from '../values/errors.ts'

/**
 * SQLSTATEs of a refused write that may still allow a read of the same row.
 *
 * - A read-only session, a missing right, or row-level security
 * - A trigger or constraint (classes 22, 23, 27, 38, 39, 44, P0)
 * - A full disk, a limit, or an object that takes no writes
 *
 * The list omits lock_timeout (55P03), because a read would wait as long again.
 */
const CONCERNS_WRITES = /^(?:0A|22|23|25006|27|38|39|42501|44|53[14]00|54|55(?!P03)|P0)/

/**
 * The SQLSTATE of a standby, of `default_transaction_read_only`, or of a proxy for reads. No write of this session can
 * succeed.
 */
const READ_ONLY = '25006'
/** The SQLSTATE of a missing right. Row-level security refuses single rows with the same code. */
const FORBIDDEN = '42501'

/**
 * How long a refusal is remembered. After that, calls try to write again until one is refused, so that a promoted
 * standby or a new grant takes effect. A read-only database gets a few refused statements per period from each cache.
 */
const REMEMBERED_MS = 5_000

export interface WriteRefusals {
  /** True inside a transaction of the caller. A refusal would end that transaction. */
  readonly isInTransaction: boolean
  /** Returns the refusal if writes were refused a moment ago. Then first try a read that writes nothing. */
  recentRefusal(): DatabaseError | undefined
  /** Returns the refusal that every write would get; undefined if another row may be writable. */
  refusalOfAllWrites(): DatabaseError | undefined
  /**
   * Returns true if the database refused to write, and may still answer a read. Remembers refusals that concern other
   * rows too.
   */
  note(error: unknown): boolean
}

export function createWriteRefusals(isInTransaction: boolean): WriteRefusals {
  let last: { readonly error: DatabaseError; readonly until: number } | undefined
  const recentRefusal = () => (last !== undefined && now() < last.until ? last.error : undefined)
  return {
    isInTransaction,
    recentRefusal,
    refusalOfAllWrites() {
      const error = recentRefusal()
      if (error?.sqlState !== READ_ONLY) return undefined
      // Create a new error, because each error carries the cost of its call.
      return new DatabaseError(error.message, { sqlState: READ_ONLY, sent: false, cause: error.cause })
    },
    note(error) {
      if (isInTransaction || !(error instanceof DatabaseError)) return false
      const { sqlState = '' } = error
      if (!CONCERNS_WRITES.test(sqlState)) return false
      if (sqlState === READ_ONLY || sqlState === FORBIDDEN) last = { error, until: now() + REMEMBERED_MS }
      return true
    },
  }
}

/**
 * Runs `write`, a read that may also write. If the database refuses to write, runs `read`, which only reads.
 *
 * Do not call it inside a transaction of the caller, because a refusal would end it.
 */
export async function readEitherWay<T>(
  refusals: WriteRefusals,
  write: () => Promise<T>,
  read: () => Promise<T>,
): Promise<T> {
  if (refusals.recentRefusal() !== undefined) return read()
  try {
    return await write()
  } catch (error) {
    if (!refusals.note(error)) throw error
    return read()
  }
}

/**
 * Runs `claim`, which claims a lease unless it finds a live entry. If the database refuses to write, runs `read`, which
 * only reads.
 *
 * @param read returns undefined if nothing answers the call
 * @throws DatabaseError the refusal if nothing was found, because no caller could store the computed value
 */
export async function claimEitherWay<T extends { readonly entry?: { readonly state: string } | undefined }>(
  refusals: WriteRefusals,
  claim: () => Promise<T>,
  read: (refusal: unknown) => Promise<T | undefined>,
): Promise<T> {
  const known = refusals.recentRefusal()
  const found = known && (await read(known))
  if (found?.entry?.state === 'live') return found
  const refusal = refusals.refusalOfAllWrites()
  if (refusal !== undefined) {
    if (found === undefined) throw refusal
    return found
  }
  // Row-level security may have refused only another row, so this row may be writable.
  try {
    return await claim()
  } catch (error) {
    if (!refusals.note(error)) throw error
    const answer = known === undefined ? await read(error) : found
    if (answer === undefined) throw error
    return answer
  }
}
