/** A Neon-compatible SQL-over-HTTP endpoint on this machine, in front of PGlite or any real Postgres. */

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
import { newPassword, PASSWORD, storedPassword } from './stored-password.ts'

const DEFAULT_POOL_SIZE = 10

/** Clients keep idle connections for a few seconds. The server keeps them longer, so that only clients close them. */
const KEEP_ALIVE_MS = 65_000

/** Options of `startLocalNeon`. */
export interface LocalNeonOptions {
  /** `'pglite'` (the default), or the `postgres://` URL of a real server. */
  database?: string
  /**
   * PGlite's folder. Default: none, and the data lives in memory. One process at a time may use a folder.
   *
   * The folder must be empty or come from an earlier start. Only its owner can read it (0700, files 0600).
   */
  dataDir?: string
  /**
   * The password that clients must send: at least 16 visible ASCII characters.
   *
   * Default: a password stored in `dataDir`, so that it survives restarts. Without `dataDir`, each start generates one.
   */
  password?: string
  /** The port on 127.0.0.1; 0 (the default) picks a free port. */
  port?: number
  /**
   * Receives each request and may break it; `createFaults()` of `pgstash/testing` creates an interceptor. Default:
   * none.
   */
  intercept?: Interceptor
  /** The number of connections to a real server; default 10. PGlite has exactly one. */
  poolSize?: number
}

// Unknown options are errors: with a misspelt `dataDir`, the data would live only in memory.
const KNOWN_OPTIONS = ['database', 'dataDir', 'password', 'port', 'intercept', 'poolSize'] as const

/** A running endpoint. */
export interface LocalNeon {
  /** For `neonConfig.fetchEndpoint`, such as `http://127.0.0.1:4444/sql`. */
  readonly endpoint: string
  /**
   * For `neon()`: the database's user and name, the endpoint's own password and its port.
   *
   * After `enableLocalNeon(neonConfig)` this string is all that the driver needs.
   */
  readonly connectionString: string
  /** The port on 127.0.0.1, which the system picked if the option was 0. */
  readonly port: number
  /** Ends all connections, including hanging ones, and closes the database. It is safe to call it twice. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a local endpoint that speaks the HTTP protocol of `@neondatabase/serverless`.
 *
 * Throws a `LocalNeonError` if the port is busy, the folder is unusable, the database is unreachable, or `pg` or
 * `@electric-sql/pglite` is not installed. Throws an `InvalidOptionError` for a wrong option.
 *
 * @example
 * const local = await startLocalNeon()
 * enableLocalNeon(neonConfig)
 * const sql = neon(local.connectionString)
 * await local.close()
 */
export async function startLocalNeon(given?: LocalNeonOptions): Promise<LocalNeon> {
  const options = optionsObject<LocalNeonOptions>(given, KNOWN_OPTIONS)
  const { database = 'pglite', port = 0, intercept = {} } = options
  const { user, database: name } = checkOptions(options)
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS })
  // Opens the port first, because that fails fast, while PGlite takes seconds to start.
  await listen(server, port)
  let backend: Backend | undefined
  try {
    backend =
      database === 'pglite'
        ? await createPgliteBackend(options.dataDir)
        : await createPgBackend(database, options.poolSize ?? DEFAULT_POOL_SIZE)
    const password = await passwordOf(options)
    return open(server, backend, { user, password, database: name }, intercept)
  } catch (error) {
    server.close()
    server.closeAllConnections()
    await backend?.close()
    throw error
  }
}

/** Call this only after the folder is locked and private. */
async function passwordOf({ password, dataDir }: LocalNeonOptions): Promise<string> {
  return password ?? (dataDir === undefined ? newPassword() : storedPassword(dataDir))
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
  const [user, password, database] = [credentials.user, credentials.password, credentials.database].map(encode)
  return {
    endpoint: `http://127.0.0.1:${port}/sql`,
    connectionString: `postgresql://${user}:${password}@localhost:${port}/${database}`,
    port,
    close,
    [Symbol.asyncDispose]: close,
  }
}

// An apostrophe would end the quotes around the string in a shell or a settings file.
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("'", '%27')
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

/** Checks the options. Returns the user and the database that a client must name. */
function checkOptions({ database = 'pglite', dataDir, password, port = 0, poolSize }: LocalNeonOptions): {
  user: string
  database: string
} {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidOptionError(`Expected port to be an integer from 0 to 65535, got ${describeType(port)}.`)
  }
  if (poolSize !== undefined && !(Number.isInteger(poolSize) && poolSize > 0)) {
    throw new InvalidOptionError(`Expected poolSize to be a positive integer, got ${describeType(poolSize)}.`)
  }
  if (dataDir !== undefined && (typeof dataDir !== 'string' || dataDir === '')) {
    throw new InvalidOptionError(`Expected dataDir to be the path of a folder, got ${describeType(dataDir)}.`)
  }
  if (password !== undefined && !(typeof password === 'string' && PASSWORD.test(password))) {
    throw new InvalidOptionError('Expected password to have at least 16 visible ASCII characters.')
  }
  if (database === 'pglite') return { user: 'postgres', database: 'postgres' }
  if (dataDir !== undefined) {
    throw new InvalidOptionError('Expected dataDir only with PGlite, because a server stores its own data.')
  }
  return readUrl(database)
}

function readUrl(database: string): { user: string; database: string } {
  try {
    const url = new URL(database)
    if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw new TypeError('wrong scheme')
    const user = decodeURIComponent(url.username) || 'postgres'
    return { user, database: decodeURIComponent(url.pathname.slice(1)) || user }
  } catch {
    // No cause, because the error of `URL` contains the whole string with its password.
    throw new InvalidOptionError("Expected database to be 'pglite' or a URL such as postgres://user:…@host:5432/name.")
  }
}
