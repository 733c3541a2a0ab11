/** The identity of a query's rows beyond SQL and parameters: the database, the driver and the caller's token. */
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'
import { isNeonHttp, neonConnection } from './neon-connection.ts'
import type { Session } from './session.ts'

/**
 * Returns a hash that reveals neither the database nor the token. It is equal for equal connection settings, so that
 * clients of different requests, isolates and machines share entries. It is undefined if the client may hide a token:
 * then the rows must not be cached.
 *
 * @param key the caller's `key`. It also names the database if the client does not show which one it uses.
 */
export async function identityOf(session: Session | undefined, key: string | undefined): Promise<string | undefined> {
  // A query that Drizzle did not make shows no database.
  if (session === undefined) return hashOf([key])
  const { driver, client, authToken } = session
  if (isNeonHttp(client)) {
    const connection = await neonConnection(client, authToken)
    return connection === undefined ? undefined : hashOf([driver, connection, key])
  }
  const database = connectionOf(client) ?? (key === undefined ? idOf(client) : 'named by key')
  return hashOf([driver, database, key])
}

function hashOf(parts: readonly unknown[]): string {
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify(parts))))
}

/** Returns the connection settings of a client, without the password, which changes more often than the database. */
function connectionOf(client: object): unknown {
  return pgConnection(client) ?? poolConnection(client) ?? sqlConnection(client)
}

/** `Client` of pg and neon-serverless. */
function pgConnection(client: object): unknown {
  const parameters: unknown = Reflect.get(client, 'connectionParameters')
  if (typeof parameters !== 'object' || parameters === null) return undefined
  const { host, port, database, user, options } = parameters as Record<string, unknown>
  return [host, port, database, user, options]
}

const pools = new WeakMap<object, unknown>()

/**
 * `Pool` of pg, neon-serverless and vercel-postgres, which resolve their settings in each client: URL, variables,
 * defaults.
 */
function poolConnection(pool: object): unknown {
  const Client: unknown = Reflect.get(pool, 'Client')
  const options: unknown = Reflect.get(pool, 'options')
  if (typeof Client !== 'function' || typeof options !== 'object') return undefined
  if (!pools.has(pool)) {
    try {
      // Constructing a client does not connect.
      pools.set(pool, pgConnection(Reflect.construct(Client, [options])))
    } catch {
      pools.set(pool, undefined)
    }
  }
  return pools.get(pool)
}

/** postgres-js and Bun's SQL. */
function sqlConnection(client: object): unknown {
  const options: unknown = Reflect.get(client, 'options')
  if (typeof options !== 'object' || options === null) return undefined
  const { host, hostname, port, path, database, user, username, connection, transform } = options as Record<
    string,
    unknown
  >
  if ((host ?? hostname ?? path) === undefined || isTransforming(transform)) return undefined
  const { application_name: _, ...settings } = Object(connection) as Record<string, unknown>
  return [host ?? hostname, port, path, database, user ?? username, settings]
}

/** True if the user's functions transform rows. Two such functions cannot be told apart. */
function isTransforming(transform: unknown): boolean {
  return Object.values(Object(transform)).some((part) =>
    Object.values(Object(part)).some((each) => typeof each === 'function'),
  )
}

const ids = new WeakMap<object, string>()

/**
 * Returns a random id for a client that shows no settings (pg-proxy, PGlite). Its entries are shared with no other
 * client.
 */
function idOf(client: object): string {
  const id = ids.get(client) ?? crypto.randomUUID()
  ids.set(client, id)
  return id
}
