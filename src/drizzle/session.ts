/** The session that a Drizzle query runs on: its driver, its client, and whether a transaction is open. */
import { entityKind } from 'drizzle-orm'

export interface Session {
  /**
   * Drizzle's name for the driver's session. It matters because drivers parse the same column into different values.
   */
  readonly driver: string
  /** The driver's own client; a function for some drivers. */
  readonly client: object
  /** The token of `db.$withAuth`: a text, or a function that returns it. */
  readonly authToken: unknown
}

/** Returns undefined for a query that is not bound to a Drizzle database. */
export function sessionOf(query: object): Session | undefined {
  const session: unknown = Reflect.get(query, 'session')
  if (typeof session !== 'object' || session === null) return undefined
  const client: unknown = Reflect.get(session, 'client')
  if ((typeof client !== 'object' && typeof client !== 'function') || client === null) return undefined
  const options: unknown = Reflect.get(session, 'options')
  return {
    driver: String(Reflect.get(session.constructor, entityKind)),
    client,
    // 0.45 keeps the token on the query, 1.0 on the session.
    authToken: Reflect.get(query, 'authToken') ?? Reflect.get(Object(options), 'authToken'),
  }
}

/**
 * True if the client is one connection that was taken out of a pool, or that has a transaction open.
 *
 * Such a connection may have its own settings (`set_config`, a role, a `search_path`), and may see rows that are never
 * committed. If a driver does not report its transaction status, a single connection looks like a pool.
 */
export function isInTransaction({ client }: Session): boolean {
  const has = (method: string) => typeof Reflect.get(client, method) === 'function'
  // pg and neon-serverless return a client of the pool with `release`; postgres-js and Bun a client with `savepoint`.
  if (has('release') || has('savepoint')) return true
  // PGlite's transactions have no transactions of their own.
  if (has('rollback') && !has('transaction')) return true
  const status: unknown = has('getTransactionStatus')
    ? Reflect.apply(Reflect.get(client, 'getTransactionStatus'), client, [])
    : undefined
  return status === 'T' || status === 'E'
}
