/** Reads every form of a Postgres URL that libpq or `pg` accepts. Writes the one form that both drivers accept. */
import { UserError } from './user-error.ts'

export const POSTGRES_PORT = 5432

/** A server that a URL names. Host and port default as in `pg`: localhost and 5432. */
export interface Address {
  /** A name, an IP address without brackets, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  /** True if the URL names the port. */
  readonly hasPort: boolean
}

export interface DatabaseUrl {
  /** In the order in which they are tried. Never empty. */
  readonly addresses: readonly [Address, ...Address[]]
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
  /** All other parameters. */
  readonly parameters: ReadonlyMap<string, string>
}

const FORM = 'Expected the database URL to look like postgresql://user:password@host/database'
/** Parameters that repeat or replace another part of a URL. */
const PLACES = new Set(['host', 'hostaddr', 'port', 'user', 'password', 'dbname'])

/**
 * Reads `postgresql://[user[:password]@][host[:port][,…]][/database][?name=value&…]`, and `pg`'s forms of a socket:
 * `socket:/folder?db=name` and `/folder name`.
 *
 * `new URL` refuses some URLs that psql reads: two hosts, a user without a host, a `#` or `?` in a password.
 *
 * @throws UserError, without repeating any part
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const given = text.trim()
  if (given.startsWith('/')) return socketUrl(given)
  const scheme = /^(?:postgres(?:ql)?:\/\/|(socket):(?:\/\/)?)/i.exec(given)
  if (scheme === null) throw new UserError(`${FORM}.`)
  const rest = given.slice(scheme[0].length)
  const { credentials, place, query } = partsOf(given, rest)
  const parameters = new Map(new URLSearchParams(query))
  // libpq looks a service up in a file, which this command does not read. Without the error, it would use localhost.
  if (parameters.has('service')) throw new UserError(`${FORM}, without service: name the host instead.`)
  const [user, password] = splitAt(credentials ?? '', ':').map(decode)
  const [hosts, path] = scheme[1] === undefined ? splitAt(place, '/') : [place, parameters.get('db')]
  return {
    addresses: addressesOf(scheme[1] === undefined ? hosts : encodeURIComponent(hosts), parameters),
    user: parameters.get('user') || user || undefined,
    password: parameters.get('password') || password || undefined,
    database: parameters.get('dbname') || decode(path ?? '') || undefined,
    parameters: new Map([...parameters].filter(([name, value]) => !PLACES.has(name) && !isSystemRoots(name, value))),
  }
}

/** Node trusts the system's root certificates by default. `pg` would try to read a file named `system` and fail. */
function isSystemRoots(name: string, value: string): boolean {
  return name === 'sslrootcert' && value === 'system'
}

/** As in `pg`, the text is two words: the folder and the database. */
function socketUrl(given: string): DatabaseUrl {
  const [host = '', database] = given.split(/\s+/)
  const port = portOf(process.env.PGPORT ?? '')
  return {
    addresses: [{ host, port, hasPort: false }],
    user: undefined,
    password: undefined,
    database,
    parameters: new Map(),
  }
}

interface Parts {
  readonly credentials: string | undefined
  readonly place: string
  readonly query: string
}

/**
 * If `new URL` cannot parse the text, libpq's rule applies: a `?` or `#` before the `@` belongs to the password.
 */
function partsOf(given: string, rest: string): Parts {
  // A password such as `2024#x` looks like a port and a fragment to `new URL`.
  const isUrl = URL.canParse(given) && !/^[^/?#@]*:\d*#[^/]*@/.test(rest)
  const authority = rest.slice(0, endOf(rest, isUrl ? /[/?#]/ : /\//))
  const at = authority.lastIndexOf('@')
  const behind = rest.slice(at + 1)
  const [place, query = ''] = splitAt(isUrl ? behind.slice(0, endOf(behind, /#/)) : behind, '?')
  return { credentials: at === -1 ? undefined : rest.slice(0, at), place, query }
}

function endOf(text: string, pattern: RegExp): number {
  const at = text.search(pattern)
  return at === -1 ? text.length : at
}

/** Splits at the first separator. Without a separator, the second part is undefined. */
function splitAt(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** @throws UserError if a port is wrong, or if the numbers of hosts and ports differ */
function addressesOf(listed: string, parameters: ReadonlyMap<string, string>): [Address, ...Address[]] {
  const inPath = listed.split(',').map(hostAndPort)
  const hosts = (parameters.get('host') || parameters.get('hostaddr'))?.split(',')
  const ports = parameters.get('port')?.split(',')
  const count = (hosts ?? inPath).length
  if (ports !== undefined && ports.length !== 1 && ports.length !== count) {
    throw new UserError(`${FORM}, with one port for all hosts, or one for each.`)
  }
  const { PGHOST, PGPORT = '' } = process.env
  const addresses = Array.from({ length: count }, (_, index) => {
    const own = inPath[index] ?? inPath[0]
    const port = ports?.[index] || ports?.[0] || own?.port
    return { host: hosts?.[index] || own?.host || PGHOST || 'localhost', port: portOf(port || PGPORT), hasPort: !!port }
  })
  return addresses as [Address, ...Address[]]
}

/** An encoded folder may hold colons, as in the names of Cloud SQL instances. */
const HOST_AND_PORT = /^(?:\[([^\]]*)\]|(%2f.*?(?=:\d*$|$)|[^:]*))(?::(.*))?$/is

function hostAndPort(text: string): { host: string; port: string } {
  const [, bracketed, plain, port = ''] = HOST_AND_PORT.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw new UserError(`${FORM}.`)
  return { host: decode(host), port }
}

function portOf(text: string): number {
  const port = text === '' ? POSTGRES_PORT : Number(text)
  if (/^\d*$/.test(text) && port > 0 && port < 65_536) return port
  throw new UserError(`${FORM}, with a port from 1 to 65535.`)
}

/** Decodes valid escapes and keeps any other `%`, because people paste passwords without encoding them. */
function decode(text: string | undefined): string {
  return (text ?? '').replace(/(?:%[\da-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes)
    } catch {
      return bytes
    }
  })
}

export function isSocket({ host }: Address): boolean {
  return host.startsWith('/') || host.startsWith('@')
}

/**
 * Writes the URL for one of the addresses, as both drivers read it. A socket becomes a parameter, because a URL with a
 * socket as its host is invalid.
 *
 * @param changes parameters to set, or to remove if undefined
 *
 * @throws UserError for the two characters that `pg` cannot read in a database's name
 */
export function urlOf(url: DatabaseUrl, address: Address, changes: Record<string, string | undefined> = {}): string {
  const { user = '', password, database = '', parameters } = url
  if (/[?#]/.test(database)) throw new UserError(`${FORM}, and a database without ? and # in its name.`)
  const search = new URLSearchParams([...parameters])
  // No server speaks TLS on a socket, but `pg` would request it.
  const fixed = isSocket(address) ? { host: address.host, port: String(address.port), sslmode: undefined } : {}
  for (const [name, value] of Object.entries({ ...changes, ...fixed })) {
    if (value === undefined) search.delete(name)
    else search.set(name, value)
  }
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`
  const credentials = user === '' && secret === '' ? '' : `${encodeURIComponent(user)}${secret}@`
  // `new URL` refuses a user without a host.
  const place = isSocket(address) ? 'localhost' : placeOf(address)
  const query = search.size === 0 ? '' : `?${search}`
  return `postgresql://${credentials}${place}/${encodeURI(database)}${query}`
}

/** Returns `host:port/database` for messages, without user and password. */
export function nameOf({ database = '' }: DatabaseUrl, address: Address): string {
  return `${placeOf(address)}/${database}`
}

function placeOf(address: Address): string {
  const { host, port, hasPort } = address
  return `${host.includes(':') && !isSocket(address) ? `[${host}]` : host}${hasPort ? `:${port}` : ''}`
}
