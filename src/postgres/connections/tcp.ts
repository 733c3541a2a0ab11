/**
 * Opens connection strings over TCP, on runtimes that have TCP. Bundles for the edge get no-tcp.ts instead: see
 * package.json.
 */
import { speaksHttp } from '../../local-neon/speaks-http.ts'
import { DatabaseError } from '../../values/errors.ts'
import { withoutContent } from '../../values/redact.ts'
import { databaseFailure } from '../failure.ts'
import type { Loopback } from './loopback-server.ts'

/** Postgres's default port. A local Neon never listens there. */
const POSTGRES_PORT = 5432
/** Without a limit, a host that drops packets would occupy a connection of the pool for minutes. */
const CONNECT_TIMEOUT_MS = 5_000
/** Detects connections that the network has dropped. */
const KEEP_ALIVE_DELAY_MS = 10_000

/** One pool per connection string. Otherwise each cache of a program would take ten connections. */
const clients = new Map<string, Promise<object>>()

/** @throws DatabaseError */
export function openTcp(url: string, loopback: Loopback | undefined): Promise<object> {
  const known = clients.get(url)
  if (known !== undefined) return known
  const opened = open(url, loopback)
  clients.set(url, opened)
  // Forget a failure, because the package may be installed or the server started later.
  opened.catch(() => clients.delete(url))
  return opened
}

async function open(url: string, loopback: Loopback | undefined): Promise<object> {
  const port = Number(new URL(url).port || POSTGRES_PORT)
  if (loopback !== undefined && port !== POSTGRES_PORT && (await isLocalNeon(loopback.address, port))) {
    return loopback.overHttp()
  }
  return createPool(await loadPoolClass(), url)
}

/** Throws if nothing listens, so that the next call asks the server that may be running by then. */
async function isLocalNeon(address: string, port: number): Promise<boolean> {
  try {
    return await speaksHttp(address, port)
  } catch (error) {
    throw databaseFailure(error)
  }
}

type PoolClass = new (options: object) => Pool

/** The part of `pg` that we use. */
interface Pool {
  on(event: 'error', listener: () => void): unknown
}

async function loadPoolClass(): Promise<PoolClass> {
  let cause: Error | undefined
  try {
    // The import is in `try`, so that bundlers accept a missing package. Older versions of `pg` are CommonJS.
    const pg: object = await import('pg')
    const Pool: unknown = Reflect.get(Object(Reflect.get(pg, 'default') ?? pg), 'Pool')
    // webpack replaces a missing package by an empty module.
    if (typeof Pool === 'function') return Pool as PoolClass
  } catch (error) {
    cause = withoutContent(error)
  }
  throw new DatabaseError(
    'Expected the package pg to be installed, because this connection string needs TCP: npm install pg',
    { sent: false, cause },
  )
}

function createPool(Pool: PoolClass, url: string): object {
  const pool = new Pool({
    connectionString: withoutSystemRoots(url),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    // No caller can close this pool, so its idle connections must not keep a script alive.
    allowExitOnIdle: true,
  })
  // Without a listener, a restart of Postgres, which ends idle connections, would end the process.
  pool.on('error', () => {})
  return pool
}

/**
 * Removes `sslrootcert=system`, because Node trusts the system's roots anyway. `pg` would read a file named `system`,
 * and fail.
 */
function withoutSystemRoots(text: string): string {
  const url = new URL(text)
  if (url.searchParams.get('sslrootcert') !== 'system') return text
  url.searchParams.delete('sslrootcert')
  return url.href
}
