/** Opens a Drizzle database: over HTTP to Neon, a local Neon or a given endpoint, otherwise over TCP. */
import { userInfo } from 'node:os'
import { speaksHttp } from '../dev/speaks-http.ts'
import { databaseOver } from '../postgres/connections/client-database.ts'
import { openHttp } from '../postgres/connections/connection-string.ts'
import { findVariable } from '../postgres/connections/from-env.ts'
import type { Database } from '../postgres/database.ts'
import { type Address, type DatabaseUrl, isSocket, nameOf, parseDatabaseUrl, urlOf } from './database-url.ts'
import { ENV_FILES } from './env-files.ts'
import { findServer } from './find-server.ts'
import { UserError } from './user-error.ts'

/** A host that swallows packets would otherwise keep the command for minutes. */
const CONNECT_TIMEOUT_MS = 15_000

export interface Connection {
  readonly db: Database
  /** `host/database`, without user and password. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly isHttp: boolean
  close(): Promise<void>
}

export interface ConnectionOptions {
  databaseUrl?: string
  endpoint?: string
}

/** The database that a command will use, before the command sends anything. */
export interface Target {
  /** For drivers: the first server of the URL. */
  readonly databaseUrl: string
  readonly url: DatabaseUrl
  readonly endpoint: string | undefined
  readonly isHttp: boolean
}

/** @throws UserError, DatabaseError */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const target = await findTarget(options)
  if (target === undefined) throw new UserError(NO_DATABASE)
  const { url, isHttp } = target
  const { address, ...opened } = await (isHttp ? overHttp(target) : overTcp(url))
  return { name: nameOf(url, address), host: address.host, port: address.port, isHttp, ...opened }
}

/**
 * Finds the database in the options, otherwise in the environment. Returns undefined if neither names one.
 *
 * @throws UserError if a URL is wrong
 */
export async function findTarget({ databaseUrl, endpoint }: ConnectionOptions): Promise<Target | undefined> {
  const { DATABASE_URL, NEON_FETCH_ENDPOINT } = process.env
  // DATABASE_URL may also hold a form of URL that `findVariable` skips and this command accepts.
  const chosen = databaseUrl ?? findVariable(process.env)?.value ?? DATABASE_URL
  if (!chosen) return undefined
  const url = parseDatabaseUrl(chosen)
  const [address] = url.addresses
  // NEON_FETCH_ENDPOINT belongs to DATABASE_URL. The password of any other database must not be sent there.
  const given = endpoint ?? (chosen === DATABASE_URL ? NEON_FETCH_ENDPOINT : undefined)
  if (given) checkEndpoint(given)
  const isHttp = Boolean(given) || address.host.endsWith('.neon.tech') || (await isHttpServer(address))
  return { databaseUrl: urlOf(url, address), url, endpoint: given || undefined, isHttp }
}

const NO_DATABASE = `Expected a database: set DATABASE_URL in the environment or in ${ENV_FILES.join(', ')} of this folder, or pass --database-url.`

async function isHttpServer(address: Address): Promise<boolean> {
  return !isSocket(address) && (await speaksHttp(address.host, address.port))
}

/** Without this check, `fetch` would fail as if the database were unreachable. */
function checkEndpoint(endpoint: string): void {
  if (URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol)) return
  throw new UserError('Expected the endpoint to be an HTTP URL such as http://127.0.0.1:5488/sql.')
}

function overHttp({ databaseUrl, url, endpoint }: Target) {
  if (url.user === undefined || url.database === undefined) {
    throw new UserError('Expected the database URL to have a user and a database, because it is reached over HTTP.')
  }
  return { address: url.addresses[0], db: databaseOver(openHttp(databaseUrl, endpoint)), close: async () => {} }
}

async function overTcp(url: DatabaseUrl) {
  const { default: pg } = await importPackage('pg', () => import('pg'))
  const { drizzle } = await import('drizzle-orm/node-postgres')
  const named = withUser(url)
  const { address, connectionString } = await findServer(pg, named, CONNECT_TIMEOUT_MS)
  const pool = new pg.Pool({ connectionString, max: 1, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  // The pool reports errors of idle connections, and each client those of busy ones. Without both listeners, a restart
  // of Postgres would end the command without a message.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return { address, db: drizzle(pool), close: () => pool.end() }
}

/**
 * libpq takes the user's name from the system. `pg` reads only the environment, where services and containers often set
 * no name.
 */
function withUser(url: DatabaseUrl): DatabaseUrl {
  const { PGUSER, USER, USERNAME } = process.env
  return url.user === undefined && !PGUSER && !USER && !USERNAME ? { ...url, user: userInfo().username } : url
}

async function importPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch {
    throw new UserError(`Expected the package ${name} to be installed: npm install ${name}`)
  }
}
