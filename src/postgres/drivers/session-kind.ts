/** Finds out how Drizzle reaches a database. */

/** Drizzle's name for the symbol under which each of its classes has a name. */
export const ENTITY_KIND: unique symbol = Symbol.for('drizzle:entityKind')

/** Databases that this package made over the program's client. No other code is in between. */
const direct = new WeakSet<object>()

export function markAsDirect(db: object): void {
  direct.add(db)
}

export function isDirect(db: object): boolean {
  return direct.has(db)
}

/** Wraps a client for the drivers that call it directly. The result has no methods of Drizzle. */
export function overClient(client: object): object {
  const db = { $client: client }
  markAsDirect(db)
  return db
}

/** Drizzle's name for the session of a database: `NodePgSession`, `PostgresJsSession`, … */
export function sessionKind(db: object): string {
  return String(Reflect.get(Object(sessionOf(db)).constructor, ENTITY_KIND))
}

/**
 * True if the session is one of these kinds, sends everything to this client, and no other code is in between.
 *
 * A program may replace a method to trace or change statements. Drizzle must then go on calling that method. A change
 * to the whole class, as OpenTelemetry makes, is no obstacle, because our drivers call the class's methods too.
 */
export function isOwnSession(db: object, kinds: ReadonlySet<string>, client: unknown): boolean {
  const session = sessionOf(db)
  const isOfSession = kinds.has(sessionKind(db)) && Reflect.get(Object(session), 'client') === client
  if (!isOfSession && !direct.has(db)) return false
  const isReplaced = (object: unknown, method: string) => Object.hasOwn(Object(object), method)
  return !isReplaced(session, 'prepareQuery') && !['connect', 'query'].some((method) => isReplaced(client, method))
}

/** Returns the driver's own client of a database. For a transaction, returns its connection. */
export function clientOf(db: object): unknown {
  return Reflect.get(db, '$client') ?? Reflect.get(Object(sessionOf(db)), 'client')
}

/** Returns a function that passes a statement to Drizzle's logger, if there is one, as Drizzle's session does. */
export function queryLogger(db: object): (text: string, values: readonly unknown[]) => void {
  const { logger } = Object(sessionOf(db)) as { logger?: { logQuery?(text: string, values: readonly unknown[]): void } }
  return (text, values) => logger?.logQuery?.(text, values)
}

function sessionOf(db: object): unknown {
  return Reflect.get(db, 'session')
}
