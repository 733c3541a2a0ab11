/** Decides whether to call routines of a database, and remembers if it has none. */
import type { TableNames } from '../../schema/table-names.ts'
import { now } from '../../values/clock.ts'
import { DatabaseError } from '../../values/errors.ts'

/** The SQLSTATEs of an undefined function or schema. Nothing was executed. */
const MISSING = new Set(['42883', '3F000'])
/** The role may not execute the routine, or lacks a right that its statement needs. Nothing was executed either. */
const FORBIDDEN = '42501'

/** Bounded, because a process may outlive the next `migrate`. */
const REMEMBERED_MS = 10 * 60_000

/**
 * Until when the routines for these tables count as missing. Kept outside of the cache, because some programs create a
 * cache for every request. Otherwise each of these caches would send a call that fails.
 */
const missingUntil = new WeakMap<TableNames, number>()

export interface RoutineUse {
  isAllowed(): boolean
  /** Call this when a routine has answered. */
  noteAnswer(): void
  /** Call this when the call of a routine failed. Returns true if its statement may succeed inline. */
  mayRunInline(error: unknown): error is DatabaseError
  /** Call this when a routine could not be called, but its statement succeeded inline. */
  noteMissing(error: DatabaseError): void
}

/** @param report called once, with an error that says what to do */
export function createRoutineUse(tables: TableNames, report: (error: DatabaseError) => void): RoutineUse {
  let areKnown = false
  let hasReported = false
  return {
    // A cache whose routines have answered ignores `missingUntil`, because a cache of another database may have set it
    // for the same tables.
    isAllowed: () => areKnown || now() >= (missingUntil.get(tables) ?? 0),
    noteAnswer() {
      areKnown = true
    },
    mayRunInline(error): error is DatabaseError {
      if (!(error instanceof DatabaseError)) return false
      if (error.sqlState !== FORBIDDEN) return MISSING.has(error.sqlState ?? '')
      // A role that has called one routine may call all. So it lacks a right on a table, or its grants have changed. In
      // the second case the next call finds out.
      const mayCall = areKnown
      areKnown = false
      return !mayCall
    },
    noteMissing(error) {
      areKnown = false
      missingUntil.set(tables, now() + REMEMBERED_MS)
      if (hasReported) return
      hasReported = true
      report(adviceOn(error))
    },
  }
}

function adviceOn({ sqlState, cause }: DatabaseError): DatabaseError {
  const advice =
    sqlState === FORBIDDEN
      ? 'The role may not execute the routines of the cache: grant it execute on them.'
      : 'The routines of this version of pgstash are not installed: run pgstash migrate.'
  return new DatabaseError(`${advice} Until then, each call sends its SQL, which the server parses and plans again.`, {
    ...(sqlState === undefined ? {} : { sqlState }),
    cause,
  })
}
