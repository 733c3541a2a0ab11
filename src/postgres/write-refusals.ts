/** Remembers that a database refuses writes, so that reads cost no refused statement each. */
import { now } from '../values/clock.ts'
import { DatabaseError } from '../values/errors.ts'

/**
 * Refusals of a write that need not concern a read of the same row: a read-only session, a missing right or row-level security,
 * a trigger or constraint (classes 22, 23, 27, 38, 39, 44, P0), a full disk, a limit, an object that takes no writes. After
 * lock_timeout (55P03) a read would wait as long again.
 */
const CONCERNS_WRITES = /^(?:0A|22|23|25006|27|38|39|42501|44|53[14]00|54|55(?!P03)|P0)/

/** A standby, `default_transaction_read_only`, or a proxy for reads: no write of this session can succeed. */
const READ_ONLY = '25006'
/** Row-level security refuses some rows with the same code. */
const FORBIDDEN = '42501'

/**
 * How long a refusal is remembered. Then calls try to write again until one is refused, so a promoted standby and a new grant
 * are noticed. A read-only database gets a few refused statements in as long, from each cache.
 */
const REMEMBERED_MS = 5_000

export interface WriteRefusals {
  /** True inside a transaction of the caller, which a refusal would end. */
  readonly isInTransaction: boolean
  /** The refusal if writes were refused a moment ago: then a read that writes nothing goes first. */
  known(): DatabaseError | undefined
  /** The refusal that every write would meet; undefined if another row may be writable. */
  ofAllWrites(): DatabaseError | undefined
  /** Returns true if the database refused to write, and may still answer a read. Remembers what concerns other rows as well. */
  note(error: unknown): boolean
}

export function createWriteRefusals(isInTransaction: boolean): WriteRefusals {
  let last: { readonly error: DatabaseError; readonly until: number } | undefined
  const known = () => (last !== undefined && now() < last.until ? last.error : undefined)
  return {
    isInTransaction,
    known,
    ofAllWrites() {
      const error = known()
      if (error?.sqlState !== READ_ONLY) return undefined
      // A new one, because each error carries the cost of its own call.
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
 * Runs a read that may write. If the database refuses that, runs the one that only reads.
 *
 * Do not call it inside a transaction of the caller, because a refusal would end it.
 */
export async function readEitherWay<T>(
  refusals: WriteRefusals,
  write: () => Promise<T>,
  read: () => Promise<T>,
): Promise<T> {
  if (refusals.known() !== undefined) return read()
  try {
    return await write()
  } catch (error) {
    if (!refusals.note(error)) throw error
    return read()
  }
}

/**
 * Runs a read that claims a lease if nothing live is found. If the database refuses to write, runs the one that only reads.
 *
 * @param read returns undefined if nothing answers the call
 * @throws DatabaseError the refusal if nothing was found, because nobody could store the computed value
 */
export async function claimEitherWay<T extends { readonly entry?: { readonly state: string } | undefined }>(
  refusals: WriteRefusals,
  claim: () => Promise<T>,
  read: (refusal: unknown) => Promise<T | undefined>,
): Promise<T> {
  const known = refusals.known()
  const found = known && (await read(known))
  if (found?.entry?.state === 'live') return found
  const refusal = refusals.ofAllWrites()
  if (refusal !== undefined) {
    if (found === undefined) throw refusal
    return found
  }
  // Row-level security may have refused another row only, so this one may be writable.
  try {
    return await claim()
  } catch (error) {
    if (!refusals.note(error)) throw error
    const answer = known === undefined ? await read(error) : found
    if (answer === undefined) throw error
    return answer
  }
}
