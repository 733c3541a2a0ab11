/** Databases of one test file. They are dropped at its end. */
import pg from 'pg'
import { inject } from 'vitest'
import { cleanup } from './cleanup.ts'
import { startServer } from './server.ts'

/** Creates an empty database on the real server or on another, and returns its connection URL. */
export async function createDatabase(server: string = inject('databaseUrl')): Promise<string> {
  const name = `pgstash_${crypto.randomUUID().replaceAll('-', '')}`
  await administer(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  cleanup(() => administer(server, `drop database if exists ${name} with (force)`))
  return url.href
}

/**
 * Creates a database on its own server. A test needs it if it counts on transaction ids, which all databases of a server share,
 * or if no other transaction may be open, those of autovacuum included.
 */
export async function createLonelyDatabase(): Promise<string> {
  const server = await startServer(['autovacuum=off'])
  cleanup(server.stop)
  return createDatabase(server.url)
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client(server)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A pool whose connections do not complain when their database is dropped under them. */
export function createPool(connectionString: string, options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString, ...options })
  pool.on('error', () => {})
  cleanup(() => pool.end())
  return pool
}
