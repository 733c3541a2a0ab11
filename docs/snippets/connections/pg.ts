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
  // Of idle connections. The pool has dropped the connection already.
  pool.on('error', console.error)
  // Of connections in use, such as those of transactions. Their statements fail with the same error.
  pool.on('connect', (client) => client.on('error', () => {}))
  return drizzle({ client: pool })
}
