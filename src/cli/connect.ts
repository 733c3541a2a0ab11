/** From a connection URL to a Drizzle database: over HTTP to Neon, to a local Neon or to a given endpoint, else over TCP. */
import { speaksHttp } from '../dev/speaks-http.ts'
import { enableLocalNeon } from '../local-neon/enable-local-neon.ts'
import type { Database } from '../postgres/database.ts'
import { ENV_FILES } from './env-files.ts'
import { UserError } from './user-error.ts'

const POSTGRES_PORT = 5432
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

/** Where a command goes, before anything is sent. */
export interface Target {
  readonly databaseUrl: string
  readonly url: URL
  readonly endpoint: string | undefined
  readonly isHttp: boolean
}

/** @throws UserError */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const target = await findTarget(options)
  if (target === undefined) throw new UserError(NO_DATABASE)
  const { url, isHttp } = target
  const place = { name: `${url.host}${url.pathname}`, host: url.hostname, port: portOf(url), isHttp }
  return { ...place, ...(await (isHttp ? overHttp(target) : overTcp(target.databaseUrl))) }
}

/**
 * The database of the options, else that of the environment; undefined if there is none.
 *
 * @throws UserError if a URL is wrong
 */
export async function findTarget({ databaseUrl, endpoint }: ConnectionOptions): Promise<Target | undefined> {
  const { DATABASE_URL, NEON_FETCH_ENDPOINT } = process.env
  const chosen = databaseUrl ?? DATABASE_URL
  if (!chosen) return undefined
  const url = parseUrl(chosen)
  // The variable belongs to DATABASE_URL: another database's password must not go there.
  const given =
    endpoint ?? (databaseUrl === undefined || databaseUrl === DATABASE_URL ? NEON_FETCH_ENDPOINT : undefined)
  if (given) checkEndpoint(given)
  const isHttp = Boolean(given) || url.hostname.endsWith('.neon.tech') || (await speaksHttp(url.hostname, portOf(url)))
  return { databaseUrl: chosen, url, endpoint: given || undefined, isHttp }
}

const NO_DATABASE = `Expected a database: set DATABASE_URL in the environment or in ${ENV_FILES.join(', ')} of this folder, or pass --database-url.`

function portOf(url: URL): number {
  return Number(url.port || POSTGRES_PORT)
}

function parseUrl(databaseUrl: string): URL {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined
  if (url && /^postgres(ql)?:$/.test(url.protocol)) return url
  throw new UserError('Expected the database URL to look like postgresql://user:password@host/database.')
}

/** `fetch` would refuse it as if the database were away. */
function checkEndpoint(endpoint: string): void {
  if (URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol)) return
  throw new UserError('Expected the endpoint to look like http://127.0.0.1:5488/sql.')
}

async function overHttp({ databaseUrl, endpoint }: Target) {
  const { neon, neonConfig } = await optional('@neondatabase/serverless', () => import('@neondatabase/serverless'))
  const { drizzle } = await import('drizzle-orm/neon-http')
  if (endpoint === undefined) enableLocalNeon(neonConfig)
  else neonConfig.fetchEndpoint = () => endpoint
  return { db: drizzle(neon(databaseUrl)), close: async () => {} }
}

async function overTcp(databaseUrl: string) {
  const { default: pg } = await optional('pg', () => import('pg'))
  const { drizzle } = await import('drizzle-orm/node-postgres')
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  // Without listeners for idle and busy connections, a restart of Postgres would end the command without a message.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return { db: drizzle(pool), close: () => pool.end() }
}

async function optional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch {
    throw new UserError(`This needs the package ${name}: npm install ${name}`)
  }
}
