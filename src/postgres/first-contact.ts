/**
 * Logs once why a cache has never been able to use its database.
 *
 * Otherwise a cache that fails soft would compute everything forever, and look as if it worked. A cache that loses its
 * database later only emits events.
 */
import { DatabaseError, DatabaseTimeoutError } from '../values/errors.ts'

/**
 * Classes of SQLSTATEs that concern the statement: a value, a constraint, a conflict, a lock. They show that the
 * database was reached.
 */
const STATEMENT_FAULT = /^(?:21|22|23|40|44|55|P0)/
/** Removed from a reason, so that the same reason is not logged for another statement. */
const STATEMENT = /the statement \w+.*/s
/** The most reasons per process or isolate. Otherwise messages of unknown drivers would make the set grow. */
const MAX_REASONS = 20

/** Kept per process or isolate, not per cache, because some programs create a cache for every request. */
const logged = new Set<string>()

export interface FirstContact {
  noteSuccess(): void
  noteFailure(error: unknown): void
}

/** @param isSilent true if the caller shows every failure itself */
export function createFirstContact(isSilent: boolean): FirstContact {
  let hasReached = isSilent
  return {
    noteSuccess() {
      hasReached = true
    },
    noteFailure(error) {
      if (!hasReached && isDatabaseFailure(error)) logOnce(error.message)
    },
  }
}

function isDatabaseFailure(error: unknown): error is DatabaseError | DatabaseTimeoutError {
  if (error instanceof DatabaseTimeoutError) return true
  return error instanceof DatabaseError && !STATEMENT_FAULT.test(error.sqlState ?? '')
}

function logOnce(reason: string): void {
  const kind = reason.replace(STATEMENT, '')
  if (logged.has(kind) || logged.size >= MAX_REASONS) return
  logged.add(kind)
  console.warn(
    `pgstash: the cache could not use its database yet. ${reason} (Logged once; \`warn: false\` turns it off.)`,
  )
}
