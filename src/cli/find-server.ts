/** Like libpq, finds the server to use if a URL names several servers or leaves open whether to use TLS. */
import type pgModule from 'pg'
import { databaseFailure } from '../postgres/failure.ts'
import { DatabaseError } from '../values/errors.ts'
import { text } from '../values/redact.ts'
import { type Address, type DatabaseUrl, isSocket, urlOf } from './database-url.ts'
import { UserError } from './user-error.ts'

type Pg = typeof pgModule

/** A connection URL for `pg`, and the address in it. */
export interface Server {
  readonly address: Address
  readonly connectionString: string
}

/** For each value of `target_session_attrs`, the condition that a session must meet. */
const SESSIONS: Readonly<Record<string, (session: Session) => boolean>> = {
  any: () => true,
  'read-write': ({ isReadOnly }) => !isReadOnly,
  'read-only': ({ isReadOnly }) => isReadOnly,
  primary: ({ isStandby }) => !isStandby,
  standby: ({ isStandby }) => isStandby,
  'prefer-standby': ({ isStandby }) => isStandby,
}

interface Session {
  readonly isStandby: boolean
  readonly isReadOnly: boolean
}

const SESSION = `select pg_is_in_recovery()::text as standby, current_setting('transaction_read_only') as read_only`
/** The server is up, but refuses the password or has no such database. libpq does not try further servers either. */
const FINAL_SQLSTATES = new Set(['28P01', '3D000'])

/** The TLS modes to try, in this order. `pg` has no mode that tries both. */
const TLS_MODES: Readonly<Record<string, readonly string[]>> = {
  allow: ['disable', 'no-verify'],
  prefer: ['no-verify', 'disable'],
  // `pg` also checks the certificate fully in these modes, but warns that its next version may not.
  require: ['verify-full'],
  'verify-ca': ['verify-full'],
}

/**
 * Returns the server to connect to. Opens no connection if there is only one way to connect.
 *
 * @throws UserError, DatabaseError if no server can be used
 */
export async function findServer(pg: Pg, url: DatabaseUrl, timeoutMs: number): Promise<Server> {
  const wanted = url.parameters.get('target_session_attrs') ?? 'any'
  const suits = Object.hasOwn(SESSIONS, wanted) ? SESSIONS[wanted] : undefined
  if (suits === undefined) {
    throw new UserError(`Expected target_session_attrs to be one of ${Object.keys(SESSIONS).join(', ')}.`)
  }
  const servers = url.addresses.flatMap((address) => waysTo(url, address))
  const [first] = servers
  if (first !== undefined && servers.length === 1 && wanted === 'any') return first
  let failure: unknown
  let other: Server | undefined
  for (const server of servers) {
    try {
      if (suits(await sessionAt(pg, server.connectionString, timeoutMs))) return server
      other ??= server
    } catch (error) {
      failure = error
      if (FINAL_SQLSTATES.has(text(error, 'code'))) break
    }
  }
  if (other !== undefined && wanted === 'prefer-standby') return other
  if (other === undefined) throw databaseFailure(failure)
  throw new DatabaseError(`No reachable server of the database URL matches target_session_attrs=${wanted}.`)
}

function waysTo(url: DatabaseUrl, address: Address): Server[] {
  const mode = url.parameters.get('sslmode')
  const isCompatible = url.parameters.get('uselibpqcompat') === 'true'
  const modes = mode === undefined || isCompatible || isSocket(address) ? undefined : TLS_MODES[mode]
  if (modes === undefined) return [{ address, connectionString: urlOf(url, address) }]
  return modes.map((sslmode) => ({ address, connectionString: urlOf(url, address, { sslmode }) }))
}

async function sessionAt(pg: Pg, connectionString: string, connectionTimeoutMillis: number): Promise<Session> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ standby: string; read_only: string }>(SESSION)
    return { isStandby: rows[0]?.standby === 'true', isReadOnly: rows[0]?.read_only === 'on' }
  } finally {
    await client.end().catch(() => {})
  }
}
