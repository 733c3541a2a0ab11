/** A Neon-compatible SQL-over-HTTP endpoint on this machine, in front of PGlite or any real Postgres. */

import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Interceptor } from '../testing/faults.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import type { Backend } from './backend.ts'
import type { Credentials } from './guard.ts'
import { handleRequest } from './handle-request.ts'
import { LocalNeonError } from './local-neon-error.ts'
import { createPgBackend } from './pg-backend.ts'
import { createPgliteBackend } from './pglite-backend.ts'

const DEFAULT_POOL_SIZE = 10

/** Longer than the few seconds for which clients keep idle connections, so that they, not we, close them. */
const KEEP_ALIVE_MS = 65_000

/** Options of `startLocalNeon`. */
export interface LocalNeonOptions {
  /** `'pglite'` (the default), or the `postgres://` URL of a real server. */
  database?: string
  /** PGlite's folder; without it the data lives in memory. One process at a time may use a folder. */
  dataDir?: string
  /** Port on 127.0.0.1; 0 (the default) picks a free one. */
  port?: number
  /** Sees each request and may break it; `createFaults()` of `pgstash/testing` makes one. */
  intercept?: Interceptor
  /** Connections to a real server; default 10. PGlite has exactly one. */
  poolSize?: number
}

// A misspelt `dataDir` would keep the data in memory only.
const KNOWN_OPTIONS = ['database', 'dataDir', 'port', 'intercept', 'poolSize'] as const

/** A running endpoint. */
export interface LocalNeon {
  /** For `neonConfig.fetchEndpoint`, such as `http://127.0.0.1:4444/sql`. */
  readonly endpoint: string
  /**
   * For `neon()`: the database's user and name, a password generated at each start that opens this endpoint only, and
   * the endpoint's port, so that one `fetchEndpoint` of `(host, port)` can serve several endpoints.
   */
  readonly connectionString: string
  readonly port: number
  /** Ends all connections, also hanging ones, and closes the database. May be called twice. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a local endpoint that speaks the HTTP protocol of `@neondatabase/serverless`.
 *
 * Throws a `LocalNeonError` when the port is busy, the folder unusable, the database unreachable, or `pg` or
 * `@electric-sql/pglite` not installed; an `InvalidOptionError` for a wrong option.
 *
 * @example
 * const local = await startLocalNeon()
 * neonConfig.fetchEndpoint = () => local.endpoint
 * const sql = neon(local.connectionString)
 * await local.close()
 */
export async function startLocalNeon(given?: LocalNeonOptions): Promise<LocalNeon> {
  const options = optionsObject<LocalNeonOptions>(given, KNOWN_OPTIONS)
  const { database = 'pglite', port = 0, intercept = {} } = options
  const credentials = readOptions(options)
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS })
  // The port first: it fails fast, while PGlite takes seconds to start.
  await listen(server, port)
  let backend: Backend
  try {
    backend =
      database === 'pglite'
        ? await createPgliteBackend(options.dataDir)
        : await createPgBackend(database, options.poolSize ?? DEFAULT_POOL_SIZE)
  } catch (error) {
    server.close()
    server.closeAllConnections()
    throw error
  }
  return open(server, backend, credentials, intercept)
}

function open(server: Server, backend: Backend, credentials: Credentials, interceptor: Interceptor): LocalNeon {
  const running = new Map<AbortController, Promise<void>>()
  server.on('request', (req, res) => {
    const controller = new AbortController()
    res.on('close', () => {
      if (!res.writableFinished) controller.abort()
    })
    const done = handleRequest(req, res, { backend, credentials, interceptor, signal: controller.signal })
    running.set(
      controller,
      done.finally(() => running.delete(controller)),
    )
  })
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= closeAll(server, backend, running)
    return closing
  }
  const { port } = server.address() as AddressInfo
  const [user, password, database] = [credentials.user, credentials.password, credentials.database].map(
    encodeURIComponent,
  )
  return {
    endpoint: `http://127.0.0.1:${port}/sql`,
    connectionString: `postgresql://${user}:${password}@localhost:${port}/${database}`,
    port,
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function closeAll(server: Server, backend: Backend, running: Map<AbortController, Promise<void>>): Promise<void> {
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const controller of running.keys()) controller.abort()
  server.closeAllConnections()
  await stopped
  await Promise.allSettled(running.values())
  await backend.close()
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is in use' : (error.code ?? 'unknown reason')
      reject(new LocalNeonError(`Expected port ${port} of 127.0.0.1 to be free, but cannot listen on it: ${why}.`))
    })
    server.listen(port, '127.0.0.1', resolve)
  })
}

/** Checks the options; returns what a client must present. */
function readOptions({ database = 'pglite', dataDir, port = 0, poolSize }: LocalNeonOptions): Credentials {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidOptionError(`Expected port to be an integer from 0 to 65535, got ${describeType(port)}.`)
  }
  if (poolSize !== undefined && !(Number.isInteger(poolSize) && poolSize > 0)) {
    throw new InvalidOptionError(`Expected poolSize to be a positive integer, got ${describeType(poolSize)}.`)
  }
  if (dataDir !== undefined && (typeof dataDir !== 'string' || dataDir === '')) {
    throw new InvalidOptionError(`Expected dataDir to be the path of a folder, got ${describeType(dataDir)}.`)
  }
  const password = randomBytes(24).toString('base64url')
  if (database === 'pglite') return { user: 'postgres', password, database: 'postgres' }
  if (dataDir !== undefined) throw new InvalidOptionError('Expected dataDir only with PGlite: a server has its own.')
  return { ...readUrl(database), password }
}

function readUrl(database: string): { user: string; database: string } {
  try {
    const url = new URL(database)
    if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw new TypeError('wrong scheme')
    const user = decodeURIComponent(url.username) || 'postgres'
    return { user, database: decodeURIComponent(url.pathname.slice(1)) || user }
  } catch {
    // Without the cause: the error of `URL` holds the whole string, password included.
    throw new InvalidOptionError("Expected database to be 'pglite' or a URL such as postgres://user:…@host:5432/name.")
  }
}
