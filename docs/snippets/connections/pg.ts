import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'

/** Survives restarts of Postgres, and finds connections that the network forgot. */
export function openDatabase(connectionString: string) {
  const pool = new pg.Pool({
    connectionString,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })
  // An idle connection ended. The pool has dropped it already.
  pool.on('error', console.error)
  // A connection in use ended, for example in a transaction. Its statement fails with the same error.
  pool.on('connect', (client) => client.on('error', () => {}))
  return drizzle({ client: pool })
}
