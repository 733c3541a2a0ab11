/** The database and the cache of this isolate, made when first asked for. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { type Cache, createCache, DatabaseTimeoutError, enableLocalNeon } from 'pgstash'
import type { Env } from './env.ts'
import { DataUnavailableError } from './errors.ts'

/** A cache that is slower than computing is of no use; far below what a person waits. */
const CACHE_TIMEOUT_MS = 2_000
/** The dearest query takes about a second on PGlite; a compute that wakes up, about another. */
const QUERY_TIMEOUT_MS = 8_000

const LATE = 'The database did not answer in time.'

export interface Services {
  db: NeonHttpDatabase
  /** Everything of the demonstration: counters, and responses in a namespace below. */
  cache: Cache
  /** Where `responseCache` keeps them. */
  responses: Cache
}

// `npm start` passes a DATABASE_URL of this machine. All other hosts are Neon's.
enableLocalNeon(neonConfig)

let made: { url: string; services: Services } | undefined

/**
 * Shared by all requests of an isolate: neon-http keeps no connection, and so no state of a request.
 *
 * @throws DataUnavailableError when DATABASE_URL is missing or no connection string
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
    // Without its cause: the driver's message shows the whole string, password included.
    throw new DataUnavailableError('DATABASE_URL is missing, or is not a Postgres connection string.')
  }
}

/**
 * A query of the data, with a limit to its time.
 *
 * @throws DataUnavailableError when the database is away, or the table is not there yet
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

// Classes of SQLSTATE: connection, resources, operator intervention, system. 42P01 and 3F000: not loaded yet.
const UNAVAILABLE = /^(08|53|57|58|XX)|^(42P01|3F000)$/

function dataFailure(error: unknown): unknown {
  // The cache's own patience is shorter.
  if (error instanceof DatabaseTimeoutError) return new DataUnavailableError(LATE)
  const code: unknown = Reflect.get(Object(error instanceof Error ? (error.cause ?? error) : error), 'code')
  if (typeof code === 'string' && !UNAVAILABLE.test(code)) return error
  return new DataUnavailableError(
    code === '42P01' || code === '3F000'
      ? 'The cities are not loaded yet: run npm start once with this database.'
      : 'The database cannot be reached.',
  )
}
