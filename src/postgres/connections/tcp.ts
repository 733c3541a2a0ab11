/** Opens connection strings over TCP, on runtimes that have it. Bundles for the edge get no-tcp.ts instead: see package.json. */
import { speaksHttp } from '../../local-neon/speaks-http.ts'
import { DatabaseError } from '../../values/errors.ts'
import { withoutContent } from '../../values/redact.ts'
import { databaseFailure } from '../failure.ts'
import type { Loopback } from './loopback-server.ts'

/** The default of Postgres, where no local Neon listens. */
const POSTGRES_PORT = 5432
/** A host that swallows packets would otherwise keep a connection of the pool for minutes. */
const CONNECT_TIMEOUT_MS = 5_000
/** Finds connections that the network forgot. */
const KEEP_ALIVE_DELAY_MS = 10_000

/** One pool for each string, because several caches of a program should not take ten connections each. */
const clients = new Map<string, Promise<object>>()

/** @throws DatabaseError */
export function openTcp(url: string, loopback: Loopback | undefined): Promise<object> {
  const known = clients.get(url)
  if (known !== undefined) return known
  const opened = open(url, loopback)
  clients.set(url, opened)
  // A package may be installed later, and a server started.
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

/** Fails if nothing listens: whatever is started there later decides. */
async function isLocalNeon(address: string, port: number): Promise<boolean> {
  try {
    return await speaksHttp(address, port)
  } catch (error) {
    throw databaseFailure(error)
  }
}

type PoolClass = new (options: object) => Pool

/** The part of `pg` that is used here. */
interface Pool {
  on(event: 'error', listener: () => void): unknown
}

async function loadPoolClass(): Promise<PoolClass> {
  let cause: Error | undefined
  try {
    // In `try`, so that bundlers accept that the package is missing. Older versions are CommonJS.
    const pg: object = await import('pg')
    const Pool: unknown = Reflect.get(Object(Reflect.get(pg, 'default') ?? pg), 'Pool')
    // webpack makes an empty module of a package that is missing.
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
    // Nobody can close this pool, so its idle connections must not keep a script alive.
    allowExitOnIdle: true,
  })
  // Otherwise a restart of Postgres, which ends idle connections, would end the process.
  pool.on('error', () => {})
  return pool
}

/** Node trusts the system's roots as it is. `pg` would read a file named `system`, and fail. */
function withoutSystemRoots(text: string): string {
  const url = new URL(text)
  if (url.searchParams.get('sslrootcert') !== 'system') return text
  url.searchParams.delete('sslrootcert')
  return url.href
}
