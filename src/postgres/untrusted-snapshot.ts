/** Refuses snapshots that prove nothing about what their data is made of. */
import { DatabaseError } from '../values/errors.ts'

/** `snapshot()` was called on a standby. The SQLSTATE is that of everything else that needs the primary. */
export function standbySnapshot(): DatabaseError {
  return new DatabaseError(
    'Expected the primary, got a standby: its snapshots do not list running transactions. Call snapshot() on the primary.',
    { sqlState: '25006' },
  )
}

/** `asOf` is from the future. The SQLSTATE says that a parameter has an invalid value. */
export function futureSnapshot(): DatabaseError {
  return new DatabaseError(
    'Expected asOf to be from the past of this database, got a later snapshot: another database made it, this one was restored or failed over since, or this transaction reads an older snapshot (repeatable read). Nothing was stored. Read the data again, after a new snapshot().',
    { sqlState: '22023' },
  )
}
