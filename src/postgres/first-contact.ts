/**
 * Says once why a cache could never use its database.
 *
 * A cache that fails soft would otherwise compute everything, for ever, and look as if it worked. A cache that reached its
 * database before and loses it later only emits events.
 */
import { DatabaseError, DatabaseTimeoutError } from '../values/errors.ts'

/** A statement's own: a value, a constraint, a conflict, a lock, a trigger. They prove that the database was reached. */
const OF_THE_STATEMENT = /^(?:21|22|23|40|44|55|P0)/
/** A reason may name the statement; the same reason for another statement is not news. */
const STATEMENT = /the statement \w+.*/s
/** Reasons of one process or isolate; words of unknown drivers must not make this grow. */
const MAX_REASONS = 20

/** Once for each process or isolate, and not for each cache: some programs create a cache for every request. */
const said = new Set<string>()

export interface FirstContact {
  succeeded(): void
  failed(error: unknown): void
}

/** @param isSilent for callers who show every failure themselves */
export function createFirstContact(isSilent: boolean): FirstContact {
  let hasReached = isSilent
  return {
    succeeded() {
      hasReached = true
    },
    failed(error) {
      if (!hasReached && isOfTheDatabase(error)) sayOnce(error.message)
    },
  }
}

function isOfTheDatabase(error: unknown): error is DatabaseError | DatabaseTimeoutError {
  if (error instanceof DatabaseTimeoutError) return true
  return error instanceof DatabaseError && !OF_THE_STATEMENT.test(error.sqlState ?? '')
}

function sayOnce(reason: string): void {
  const kind = reason.replace(STATEMENT, '')
  if (said.has(kind) || said.size >= MAX_REASONS) return
  said.add(kind)
  console.warn(
    `pgstash: the cache could not use its database yet. ${reason} (Logged once; \`warn: false\` turns it off.)`,
  )
}
