/** From a connection URL to a Drizzle database: HTTP where the host is Neon's or an endpoint is given, else TCP. */
import type { Database } from '../postgres/database.ts'
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

/** @throws UserError */
export async function connect({
  databaseUrl = process.env.DATABASE_URL,
  endpoint = process.env.NEON_FETCH_ENDPOINT,
}: ConnectionOptions): Promise<Connection> {
  if (!databaseUrl) throw new UserError('Expected a database: set DATABASE_URL, or pass --database-url.')
  const url = parseUrl(databaseUrl)
  const name = `${url.host}${url.pathname}`
  if (endpoint) checkEndpoint(endpoint)
  const isHttp = Boolean(endpoint) || url.hostname.endsWith('.neon.tech')
  const place = { name, host: url.hostname, port: Number(url.port || POSTGRES_PORT), isHttp }
  return { ...place, ...(await (isHttp ? overHttp(databaseUrl, endpoint) : overTcp(databaseUrl))) }
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

async function overHttp(databaseUrl: string, endpoint: string | undefined) {
  const { neon, neonConfig } = await optional('@neondatabase/serverless', () => import('@neondatabase/serverless'))
  const { drizzle } = await import('drizzle-orm/neon-http')
  if (endpoint) neonConfig.fetchEndpoint = () => endpoint
  return { db: drizzle(neon(databaseUrl)), close: async () => {} }
}

async function overTcp(databaseUrl: string) {
  const { default: pg } = await optional('pg', () => import('pg'))
  const { drizzle } = await import('drizzle-orm/node-postgres')
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  pool.on('error', () => {})
  return { db: drizzle(pool), close: () => pool.end() }
}

async function optional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch {
    throw new UserError(`This needs the package ${name}: npm install ${name}`)
  }
}
