/** Databases of a test file's own, dropped when it ends. */
import pg from 'pg'
import { inject } from 'vitest'
import { cleanup } from './cleanup.ts'
import { startServer } from './server.ts'

/** Makes an empty database on the real server, or on another, and answers with its connection URL. */
export async function createDatabase(server: string = inject('databaseUrl')): Promise<string> {
  const name = `pgstash_${crypto.randomUUID().replaceAll('-', '')}`
  await administer(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  cleanup(() => administer(server, `drop database if exists ${name} with (force)`))
  return url.href
}

/**
 * A database on a server of its own: where a test counts on transaction ids, which all databases of a server share, or on
 * nobody else's being open, those of autovacuum included.
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
