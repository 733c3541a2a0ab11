/** The database and the cache of this isolate. The first request creates them. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { type Cache, createCache, DatabaseTimeoutError, enableLocalNeon } from 'pgstash'
import type { Env } from './env.ts'
import { DataUnavailableError } from './errors.ts'

/** A cache that is slower than computing is useless. This is far below what a person waits. */
const CACHE_TIMEOUT_MS = 2_000
/** The most expensive query takes about a second on PGlite. A suspended Neon compute needs about another second to wake up. */
const QUERY_TIMEOUT_MS = 8_000

const LATE = 'The database did not answer in time.'

export interface Services {
  db: NeonHttpDatabase
  /** The cache of the demonstration. It has the counters, and responses in a nested namespace. */
  cache: Cache
  /** The namespace in which `responseCache` stores responses. */
  responses: Cache
}

// The DATABASE_URL of `npm start` leads to this machine. Every other host is at Neon.
enableLocalNeon(neonConfig)

let made: { url: string; services: Services } | undefined

/**
 * All requests of an isolate share it. neon-http keeps no connection, so nothing of one request reaches another.
 *
 * @throws DataUnavailableError if DATABASE_URL is missing or is no connection string
 */
export function servicesOf({ DATABASE_URL: url }: Env): Services {
  if (made?.url === url) return made.services
  const db = drizzle(client(url))
  const cache = createCache(db, { namespace: 'demo', timeout: CACHE_TIMEOUT_MS })
  made = { url, services: { db, cache, responses: cache.namespace('http') } }
  return made.services
}

function client(url: string) {
  try {
    return neon(url)
  } catch {
    // Leave out the cause: the driver's message shows the whole string, password included.
    throw new DataUnavailableError('DATABASE_URL is missing, or is not a Postgres connection string.')
  }
}

/**
 * Runs a query of the data, with a time limit.
 *
 * @throws DataUnavailableError if the database is unreachable, or the table does not exist yet
 */
export async function queried<T>(query: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DataUnavailableError(LATE)), QUERY_TIMEOUT_MS)
  })
  try {
    return await Promise.race([query, late])
  } catch (error) {
    throw error instanceof DataUnavailableError ? error : dataFailure(error)
  } finally {
    clearTimeout(timer)
  }
}

// Classes of SQLSTATE: connection, resources, operator intervention, system. 42P01 and 3F000 mean that nothing is loaded yet.
const UNAVAILABLE = /^(08|53|57|58|XX)|^(42P01|3F000)$/

function dataFailure(error: unknown): unknown {
  // The cache has a shorter timeout of its own.
  if (error instanceof DatabaseTimeoutError) return new DataUnavailableError(LATE)
  const code: unknown = Reflect.get(Object(error instanceof Error ? (error.cause ?? error) : error), 'code')
  if (typeof code === 'string' && !UNAVAILABLE.test(code)) return error
  return new DataUnavailableError(
    code === '42P01' || code === '3F000'
      ? 'The cities are not loaded yet: run npm start once with this database.'
      : 'The database cannot be reached.',
  )
}
