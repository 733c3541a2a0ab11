/** Tells how Drizzle reaches a database. */
import { entityKind } from 'drizzle-orm'
import type { Database } from '../database.ts'

/** Databases that this package made over a client of the program. Nothing stands between the two. */
const direct = new WeakSet<Database>()

export function markAsDirect(db: Database): void {
  direct.add(db)
}

/** Drizzle's name for the session of a database: `NodePgSession`, `PostgresJsSession`, … */
export function sessionKind(db: Database): string {
  return String(Reflect.get(Object(sessionOf(db)).constructor, entityKind))
}

/**
 * True if the session is one of these kinds, sends everything to this client, and nothing stands between the two.
 *
 * A program may replace a method to trace statements, or to change them. Then Drizzle must go on calling it. Classes that
 * are changed as a whole, as OpenTelemetry does, are no obstacle, because their methods are called here too.
 */
export function isOwnSession(db: Database, kinds: ReadonlySet<string>, client: unknown): boolean {
  const session = sessionOf(db)
  const isOfSession = kinds.has(sessionKind(db)) && Reflect.get(Object(session), 'client') === client
  if (!isOfSession && !direct.has(db)) return false
  const isReplaced = (object: unknown, method: string) => Object.hasOwn(Object(object), method)
  return !isReplaced(session, 'prepareQuery') && !['connect', 'query'].some((method) => isReplaced(client, method))
}

/** The driver's own client of a database. Of a transaction, the connection that it has. */
export function clientOf(db: Database): unknown {
  return Reflect.get(db, '$client') ?? Reflect.get(Object(sessionOf(db)), 'client')
}

/** Passes a statement to the program's logger, if Drizzle has one, as Drizzle's session does. */
export function queryLogger(db: Database): (text: string, values: readonly unknown[]) => void {
  const { logger } = Object(sessionOf(db)) as { logger?: { logQuery?(text: string, values: readonly unknown[]): void } }
  return (text, values) => logger?.logQuery?.(text, values)
}

function sessionOf(db: Database): unknown {
  return Reflect.get(db, 'session')
}
