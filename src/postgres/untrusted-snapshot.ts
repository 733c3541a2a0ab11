/** Errors for snapshots that prove nothing about the age of the data. */
import { DatabaseError } from '../values/errors.ts'

/**
 * The error if `snapshot()` is called on a standby. Its SQLSTATE is the same as for everything else that needs the
 * primary.
 */
export function standbySnapshot(): DatabaseError {
  return new DatabaseError(
    'Expected the primary, got a standby: its snapshots do not list running transactions. Call snapshot() on the primary.',
    { sqlState: '25006' },
  )
}

/** The error if `asOf` is from the future. Its SQLSTATE says that a parameter has an invalid value. */
export function futureSnapshot(): DatabaseError {
  return new DatabaseError(
    'Expected asOf to be from the past of this database, got a later snapshot. Either another database made it, or this one was restored or failed over since, or this transaction reads an older snapshot (repeatable read). Nothing was stored. Read the data again, after a new snapshot().',
    { sqlState: '22023' },
  )
}
