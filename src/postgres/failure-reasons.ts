/**
 * Recognises common failures, and says what is wrong and how to fix it. docs/troubleshooting.md explains each message.
 */
import { text } from '../values/redact.ts'
import { SQLSTATE_ADVICE } from '../values/sqlstate-advice.ts'

export interface Failure {
  /** The thrown error and its causes. */
  readonly chain: readonly unknown[]
  /** The code that Node, a driver or a runtime gave. */
  readonly code: string | undefined
  readonly sqlState: string | undefined
  /** The status with which an HTTP endpoint answered. */
  readonly status: number | undefined
}

/** A pattern for the text of {@link factsOf}, and the message if it matches. */
type Rule = readonly [when: RegExp, says: string]

const NEON_HOST = /(?:^|\.)neon\.(?:tech|build)$/
const LOOPBACK = /^(?:127\.|::1$|localhost$)/
const REFUSED = /ECONNREFUSED|ConnectionRefused|connection refused/i
/** A prepared statement is unknown, or its name is taken. */
const NAME_LOST = new Set(['26000', '42P05'])
/** Bounds the end of a message that is searched for an address and a port. */
const MAX_PLACE_CHARACTERS = 120
/** Bounds the work, because a message may be as long as a statement. */
const MAX_CHARACTERS = 4_000

const OTHER_HOST =
  "If the host is not Neon's, call enableLocalNeon(neonConfig) and run `pgstash dev`, or use a TCP driver."
const NOT_NEON = `Neon's driver did not find this host at Neon. ${OTHER_HOST}`
const EMPTY = 'The connection string is empty: set its variable, such as DATABASE_URL.'
const MALFORMED =
  'The connection string is not a URL (postgresql://user:password@host/database): set its variable, and encode the password (%40 for @).'
const NOTHING_LISTENS = 'The connection was refused: nothing listens'
const HTTP_ENDPOINT = "The database's HTTP endpoint"

/** Rules for Neon's proxy. It answers with an SQLSTATE that says less than its message, or with none. */
const NEON: readonly Rule[] = [
  [
    /exceeded the .{0,40}(?:quota|limit)|quota .{0,9}exceeded/i,
    'The Neon project has used up its quota: raise it, or wait for the next period.',
  ],
  [/endpoint (?:has been|is) disabled/i, "The Neon endpoint is disabled: enable it in Neon's console."],
  [
    /endpoint could not be found|endpoint id is not specified|no such endpoint/i,
    'Neon has no such endpoint: the host must begin with its id (ep-…).',
  ],
  [/password authentication failed/i, advice('28P01')],
  [/\brole .{1,200}does not exist/i, advice('28000')],
  [/\bdatabase .{1,200}does not exist/i, advice('3D000')],
  [
    /not allowed to connect|ip address .{0,60}not allowed/i,
    "Neon's list of allowed addresses does not have this machine's.",
  ],
  [/rate limit/i, `${HTTP_ENDPOINT} refuses so many requests: send fewer.`],
  [
    /connect to compute|(?:n't|not|failed to) wake|control plane request failed|compute node/i,
    'Neon could not start the suspended database: try again.',
  ],
]

const NAMES_FOR_POSTGRES_JS = 'The pooler does not keep prepared statements: pass `prepare: false` to postgres().'

/** Rules for PgBouncer, which answers with one SQLSTATE (08P01) for everything. */
const POOLER: readonly Rule[] = [
  [
    /^query_wait_timeout/m,
    'PgBouncer had no server connection free in time (query_wait_timeout). The statement did not run: enlarge default_pool_size.',
  ],
  [
    /no more connections allowed/i,
    'PgBouncer takes no more clients: enlarge max_client_conn, or make the pool smaller.',
  ],
  [
    /not allowed in statement pooling/i,
    'PgBouncer allows no transactions in statement mode: set pool_mode = transaction.',
  ],
  [
    /unsupported startup parameter/i,
    'PgBouncer refuses a setting of the connection: name it in ignore_startup_parameters, or do not send it.',
  ],
  [
    /server (?:conn|connection) crashed|server closed the connection/i,
    'PgBouncer lost its connection to the server. Whether the statement took effect is unknown.',
  ],
  [
    /cannot connect to server|server login has been failing/i,
    'PgBouncer cannot reach the server: check its [databases] section and the server.',
  ],
]

/** The first rule that matches applies. `^` without the flag `m` anchors a pattern in the line of facts. */
const RULES: readonly Rule[] = [
  [/\(connection string: ?\)|no database connection string was provided/i, EMPTY],
  [/neon.{0,10}is not a valid url|missing user, host or database/i, MALFORMED],
  // An IP address as host causes this, because the driver replaces the host's first part by `api`.
  [/^http\b.*(?:ERR_INVALID_URL|invalid url|failed to parse url)/is, NOT_NEON],
  [/\bERR_INVALID_URL\b|^(?:TypeError: )?Invalid URL/m, MALFORMED],
  [/client password must be a/i, 'The connection string has no password, and the server asks for one.'],
  [/^http foreign/, NOT_NEON],
  [
    /\b(?:ENOTFOUND|EAI_\w+)\b|failed to lookup address|dns error/i,
    'The host of the connection string does not resolve: check its spelling and the network.',
  ],
  [/^http\b.* refused.*:443\b/, NOT_NEON],
  [/^http\b.* refused/, `${NOTHING_LISTENS} at neonConfig.fetchEndpoint. Run \`pgstash dev\`.`],
  [
    /^.*\brefused local:5432\b/,
    `${NOTHING_LISTENS} on localhost:5432, the default without a host. Set the variable of the connection string.`,
  ],
  [/^.*\brefused\b/, `${NOTHING_LISTENS} at the host and port of the connection string.`],
  [/does not support ssl connections/i, 'The server does not speak TLS: for a local one, set sslmode=disable.'],
  [
    /\b(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|EPROTO\b)|certificate|(?:\b|_)(?:tls|ssl)(?:\b|_)/i,
    "TLS failed: the server's certificate is for another host, or its issuer is not trusted here.",
  ],
  [
    /CONNECT_TIMEOUT\b|^.*\bconnect\b.*\bETIMEDOUT\b|timeout exceeded when trying to connect|due to connection timeout/i,
    'The server did not accept a connection in time: check host and firewall, or enlarge the pool.',
  ],
  [
    /^.*\b(?:ETIMEDOUT|UND_ERR_(?:HEADERS|BODY)_TIMEOUT)\b|query read timeout/i,
    'The server took a statement and did not answer in time.',
  ],
  [/\b(?:EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)\b/, 'No network leads to the host of the connection string.'],
  [/^.*\bconnect\b.*\bENOENT\b/, "The server's Unix socket does not exist: start the server, or correct the path."],
  [
    /\bCONNECTION_(?:ENDED|DESTROYED)\b|cannot use a pool after calling end|client was closed/i,
    "The driver's connections were closed before the call.",
  ],
  // For a refused connection and for a broken one, workerd says no more than this.
  [/^http\b.*network connection lost/is, `${HTTP_ENDPOINT} refused the connection, or it was lost. ${OTHER_HOST}`],
  [/^http\b.*internal error; reference/is, `${HTTP_ENDPOINT} is unreachable: check its host. ${OTHER_HOST}`],
  [
    /\b(?:ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET|UND_ERR_CLOSED|CONNECTION_CLOSED|ConnectionClosed|ConnectionReset)\b|network connection lost|connection (?:terminated|closed)|other side closed|has encountered a connection error|socket hang up|terminated$/im,
    'The connection was lost before the answer came. `pgstash dev` speaks HTTP only: use drizzle-orm/neon-http.',
  ],
]

const STATUSES: Readonly<Record<number, string>> = {
  401: 'it refused the credentials',
  402: 'the quota is used up',
  403: "it refused the credentials or this machine's address",
  404: 'no SQL endpoint is there',
  405: 'no SQL endpoint is there',
  413: 'the request is too large',
  429: 'too many requests',
  502: 'it could not reach the database',
  503: 'it or the database is unavailable',
  504: 'the database did not answer in time',
  507: 'the answer is too large',
}

/** Says what is wrong and how to fix it. Returns undefined if no rule matches. */
export function reasonOf(failure: Failure): string | undefined {
  const { code, sqlState, status } = failure
  const facts = factsOf(failure)
  // An SQLSTATE usually says more than its message, which may contain values that match a rule by chance.
  if (sqlState !== undefined) return reasonOfSqlState(sqlState, failure)
  const known = facts.startsWith('http ') ? firstOf(NEON, facts) : undefined
  if (known !== undefined) return known
  if (status !== undefined) {
    const why = STATUSES[status]
    const hint = status === 404 || status === 405 ? ` ${OTHER_HOST}` : ''
    return `${HTTP_ENDPOINT} answered with status ${status}${why === undefined ? '' : `: ${why}`}.${hint}`
  }
  const reason = firstOf(RULES, facts)
  return code === undefined ? reason : reason?.replace(/[.:](?=\s|$)/, (mark) => ` (${code})${mark}`)
}

/** Returns undefined if the SQLSTATE says enough. */
function reasonOfSqlState(sqlState: string, failure: Failure): string | undefined {
  const facts = factsOf(failure)
  const isNameLost = NAME_LOST.has(sqlState) || (sqlState === '08P01' && /prepared statement name/i.test(facts))
  if (isNameLost) {
    return failure.chain.some((error) => text(error, 'name') === 'PostgresError')
      ? NAMES_FOR_POSTGRES_JS
      : advice('26000')
  }
  if (!/^(?:XX000|08|53000)/.test(sqlState)) return undefined
  return (sqlState === '08P01' ? firstOf(POOLER, facts) : undefined) ?? firstOf(NEON, facts)
}

/** Returns the texts of all rules and advice. */
export function fixedTexts(): string {
  return [...NEON, ...POOLER, NAMES_FOR_POSTGRES_JS, ...RULES, Object.values(SQLSTATE_ADVICE)].join(' ')
}

function firstOf(rules: readonly Rule[], facts: string): string | undefined {
  return rules.find(([when]) => when.test(facts))?.[1]
}

function advice(sqlState: string): string {
  return SQLSTATE_ADVICE[sqlState] ?? ''
}

/**
 * Builds the text that rules match: a line of facts, then all messages of the chain. Only the rules may see it, because
 * messages may contain cached content.
 *
 * The facts have this order:
 *
 * - `http` for Neon's HTTP driver
 * - `foreign` for a host that is not Neon's
 * - `connect` if that system call failed
 * - `refused`, and the place
 * - the code
 */
function factsOf({ chain, code = '' }: Failure): string {
  const messages = chain.map((error) => text(error, 'message').slice(0, MAX_CHARACTERS)).join('\n')
  const facts: string[] = []
  if (chain.some((error) => text(error, 'name') === 'NeonDbError')) facts.push('http')
  if (chain.some((error) => isForeignHost(text(error, 'hostname')))) facts.push('foreign')
  if (chain.some((error) => text(error, 'syscall') === 'connect')) facts.push('connect')
  if (REFUSED.test(code + messages)) facts.push(`refused ${placeOf(chain)}`)
  return `${facts.join(' ')} ${code}\n${messages}`
}

function isForeignHost(host: string): boolean {
  return host !== '' && !NEON_HOST.test(host)
}

/** Finds where a connection was refused, from the error's fields or the end of its message: `local:5432`, `:443`. */
function placeOf(chain: readonly unknown[]): string {
  for (const error of chain) {
    const [, host, port] = /(\S{1,100}):(\d{1,5})$/.exec(text(error, 'message').slice(-MAX_PLACE_CHARACTERS)) ?? []
    const address: unknown = Reflect.get(Object(error), 'address') ?? host
    const at = Number(Reflect.get(Object(error), 'port') ?? port)
    if (typeof address === 'string' && at > 0) return `${LOOPBACK.test(address) ? 'local' : ''}:${at}`
  }
  return ''
}
