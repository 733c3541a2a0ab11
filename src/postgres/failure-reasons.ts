/** Recognises common failures, and says in fixed words what is wrong and what to do. */
import { text } from '../values/redact.ts'
import { SQLSTATE_ADVICE } from '../values/sqlstate-advice.ts'

export interface Failure {
  /** The thrown error and its causes. */
  readonly chain: readonly unknown[]
  /** Of Node, a driver or a runtime. */
  readonly code: string | undefined
  readonly sqlState: string | undefined
  /** Of an HTTP endpoint's answer. */
  readonly status: number | undefined
}

/** What rules look at. */
interface Seen extends Failure {
  /** All messages of the chain, which nobody but rules may see. */
  readonly messages: string
  /** Whether it went through Neon's driver for HTTP, which goes to `api.<region>.…neon.tech` if nobody sets an endpoint. */
  readonly isHttp: boolean
  readonly port: number | undefined
  readonly isLoopback: boolean
}

interface Rule {
  readonly when: RegExp | ((seen: Seen) => boolean)
  readonly says: string
}

const NEON_PORT = 443
const POSTGRES_PORT = 5432
const NEON_HOST = /(?:^|\.)neon\.(?:tech|build)$/
const LOOPBACK = /^(?:127\.|::1$|localhost$)/
/** An address and a port end a message. */
const MAX_PLACE_CHARACTERS = 120
/** A message may be as long as a statement. */
const MAX_CHARACTERS = 4_000

const SET_ENDPOINT =
  "If the host is not Neon's (`pgstash dev`, a Postgres of your own), call enableLocalNeon(neonConfig) of pgstash, and see that `pgstash dev` runs; or use a driver that speaks TCP."
const NOT_NEON =
  "The host that Neon's driver asked is not Neon's, or does not exist: for a local Neon, call enableLocalNeon(neonConfig) of pgstash; for another Postgres, use a driver that speaks TCP."
const UNRESOLVED = 'The host of the connection string does not resolve: is it spelt right, and is this machine online?'
const LOST =
  'The connection was lost before the answer came. If that happens at once: `pgstash dev` speaks HTTP, for drizzle-orm/neon-http only, and other servers speak TCP.'
const SLOW_CONNECT =
  'The server did not accept a connection in time: is the host right, and does a firewall let it through?'
const advice = (sqlState: string): string => SQLSTATE_ADVICE[sqlState] ?? ''

/** Neon's proxy speaks SQLSTATEs that say less than its messages, or none. */
const NEON: readonly Rule[] = [
  {
    when: /exceeded the .{0,40}(?:quota|limit)|quota (?:is |was |has been )?exceeded/i,
    says: 'The Neon project has used up its quota: raise the limit, or wait for the next billing period.',
  },
  { when: /endpoint (?:has been|is) disabled/i, says: "The Neon endpoint is disabled: enable it in Neon's console." },
  {
    when: /endpoint could not be found|endpoint id is not specified|no such endpoint/i,
    says: "Neon knows no endpoint of this name: does the host in the connection string begin with an endpoint's id (ep-…)?",
  },
  { when: /password authentication failed/i, says: advice('28P01') },
  { when: /\brole .{1,200}does not exist/i, says: advice('28000') },
  { when: /\bdatabase .{1,200}does not exist/i, says: advice('3D000') },
  {
    when: /not allowed to connect|ip address .{0,60}not allowed/i,
    says: "Neon's list of allowed addresses does not have this machine's.",
  },
  {
    when: /rate limit/i,
    says: "The database's endpoint refuses so many requests: ask less often, or raise the limit.",
  },
  {
    when: /(?:couldn't|could not|failed to) (?:connect to compute|wake)|control plane request failed|compute node/i,
    says: "Neon could not start the suspended database: try again, and look at Neon's status page if that does not help.",
  },
]

const EMPTY = 'The connection string is empty: is the variable set that it comes from, such as DATABASE_URL?'
const NO_PASSWORD = 'The connection string has no password, and the server asks for one.'
const MALFORMED =
  'The connection string is not a URL such as postgresql://user:password@host/database. Is its variable set, and are special characters of the password encoded (%40 for @)?'

/** The first that applies. */
const RULES: readonly Rule[] = [
  { when: /\(connection string: ?\)|no database connection string was provided/i, says: EMPTY },
  {
    when: /connection string provided to .{0,10}neon.{0,10}is not a valid url|missing user, host or database/i,
    says: MALFORMED,
  },
  // An IP address as host: the driver replaces its first part by `api`.
  {
    when: ({ isHttp, code, messages }) =>
      isHttp && (code === 'ERR_INVALID_URL' || /invalid url|failed to parse url/i.test(messages)),
    says: NOT_NEON,
  },
  {
    when: ({ code, messages }) => code === 'ERR_INVALID_URL' || /^TypeError: Invalid URL|^Invalid URL/m.test(messages),
    says: MALFORMED,
  },
  { when: /client password must be a/i, says: NO_PASSWORD },
  {
    when: ({ isHttp, chain }) => isHttp && chain.some((error) => isForeignHost(text(error, 'hostname'))),
    says: NOT_NEON,
  },
  {
    when: ({ code, messages }) =>
      /^(?:ENOTFOUND|EAI_\w+)$/.test(code ?? '') ||
      /\b(?:ENOTFOUND|EAI_AGAIN)\b|failed to lookup address|dns error/i.test(messages),
    says: UNRESOLVED,
  },
  { when: (seen) => isRefused(seen) && seen.isHttp && seen.port === NEON_PORT, says: NOT_NEON },
  {
    when: (seen) => isRefused(seen) && seen.isHttp,
    says: 'The connection was refused: nothing listens at neonConfig.fetchEndpoint. Is `pgstash dev` running?',
  },
  {
    when: (seen) => isRefused(seen) && seen.isLoopback && seen.port === POSTGRES_PORT,
    says: 'The connection was refused: nothing listens on localhost:5432, where drivers go if the connection string is empty or names no host. Is its variable set, such as DATABASE_URL?',
  },
  {
    when: isRefused,
    says: 'The connection was refused: nothing listens at the host and port of the connection string.',
  },
  {
    when: /does not support ssl connections/i,
    says: 'The server does not speak TLS, which the connection string asks for: set sslmode=disable for a server on this machine.',
  },
  {
    when: ({ code = '', messages }) =>
      /^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|ERR_TLS_|ERR_SSL_|EPROTO$)/.test(code) ||
      /certificate|\btls\b|\bssl\b/i.test(messages),
    says: "TLS failed: the server's certificate is not valid for the host of the connection string, or this machine does not trust who signed it.",
  },
  {
    when: ({ code = '', messages }) =>
      /CONNECT_TIMEOUT$/.test(code) ||
      /timeout exceeded when trying to connect|due to connection timeout/i.test(messages),
    says: SLOW_CONNECT,
  },
  {
    when: ({ code, chain }) => code === 'ETIMEDOUT' && chain.some((error) => text(error, 'syscall') === 'connect'),
    says: SLOW_CONNECT,
  },
  {
    when: ({ code = '', messages }) =>
      /^(?:ETIMEDOUT|UND_ERR_(?:HEADERS|BODY)_TIMEOUT)$/.test(code) || /query read timeout/i.test(messages),
    says: 'The server took a statement and did not answer in time.',
  },
  {
    when: ({ code = '' }) => /^(?:EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/.test(code),
    says: 'No network leads to the host of the connection string.',
  },
  {
    when: ({ code, chain }) => code === 'ENOENT' && chain.some((error) => text(error, 'syscall') === 'connect'),
    says: "The server's Unix socket does not exist: is the server up, and its folder right?",
  },
  {
    when: ({ code = '' }) => /^CONNECTION_(?:ENDED|DESTROYED)$/.test(code),
    says: "The driver's connections were closed before the call.",
  },
  {
    when: /cannot use a pool after calling end|client was closed/i,
    says: "The driver's connections were closed before the call.",
  },
  // All that workerd tells of a connection that was refused, and of one that broke.
  {
    when: ({ isHttp, messages }) => isHttp && /network connection lost/i.test(messages),
    says: `The database's HTTP endpoint refused the connection, or it was lost. ${SET_ENDPOINT}`,
  },
  {
    when: ({ isHttp, messages }) => isHttp && /internal error; reference/i.test(messages),
    says: `The runtime could not reach the database's HTTP endpoint: does its host resolve? ${SET_ENDPOINT}`,
  },
  {
    when: ({ code = '', messages }) =>
      /^(?:ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET|UND_ERR_CLOSED|CONNECTION_CLOSED|ConnectionClosed|ConnectionReset)$/.test(
        code,
      ) ||
      /network connection lost|connection terminated|other side closed|connection closed|has encountered a connection error|socket hang up|terminated$/im.test(
        messages,
      ),
    says: LOST,
  },
]

const STATUSES: Readonly<Record<number, string>> = {
  401: 'it refused the credentials',
  402: 'the project has used up its quota',
  403: "it refused the credentials, or this machine's address",
  404: 'no SQL endpoint is there',
  405: 'no SQL endpoint is there',
  413: 'the request is larger than it takes',
  429: 'it refuses so many requests',
  502: 'it could not reach the database',
  503: 'it, or the database, is unavailable',
  504: 'the database did not answer it in time',
  507: 'the answer is larger than it sends',
}

/** Says what is wrong and what to do; undefined if no rule applies. */
export function reasonOf(failure: Failure): string | undefined {
  const { chain, code, sqlState, status } = failure
  const seen: Seen = { ...failure, ...place(chain), messages: messagesOf(chain), isHttp: chain.some(isOfNeonHttp) }
  // An SQLSTATE that says more than its message, which may hold values that look like anything.
  if (sqlState !== undefined) return /^(?:XX000|08|53000)/.test(sqlState) ? firstOf(NEON, seen) : undefined
  const known = firstOf(seen.isHttp ? NEON : [], seen)
  if (known !== undefined) return known
  if (status !== undefined) {
    const why = STATUSES[status]
    const hint = status === 404 || status === 405 ? ` ${SET_ENDPOINT}` : ''
    return `The database's HTTP endpoint answered with status ${status}${why === undefined ? '' : `: ${why}`}.${hint}`
  }
  const reason = firstOf(RULES, seen)
  return reason === undefined || code === undefined
    ? reason
    : reason.replace(/[.:?](?=\s|$)/, (mark) => ` (${code})${mark}`)
}

function firstOf(rules: readonly Rule[], seen: Seen): string | undefined {
  return rules.find(({ when }) => (when instanceof RegExp ? when.test(seen.messages) : when(seen)))?.says
}

function messagesOf(chain: readonly unknown[]): string {
  return chain.map((error) => text(error, 'message').slice(0, MAX_CHARACTERS)).join('\n')
}

function isOfNeonHttp(error: unknown): boolean {
  return text(error, 'name') === 'NeonDbError'
}

function isForeignHost(host: string): boolean {
  return host !== '' && !NEON_HOST.test(host)
}

function isRefused({ code, messages }: Seen): boolean {
  return (
    code === 'ECONNREFUSED' || code === 'ConnectionRefused' || /\bECONNREFUSED\b|connection refused/i.test(messages)
  )
}

/** Where a connection was refused, if the error says so: in fields, or only in its message. */
function place(chain: readonly unknown[]): Pick<Seen, 'port' | 'isLoopback'> {
  for (const error of chain) {
    const [, host, port] = /(\S{1,100}):(\d{1,5})$/.exec(text(error, 'message').slice(-MAX_PLACE_CHARACTERS)) ?? []
    const address: unknown = Reflect.get(Object(error), 'address') ?? host
    const at = Number(Reflect.get(Object(error), 'port') ?? port)
    if (typeof address === 'string' && at > 0) return { port: at, isLoopback: LOOPBACK.test(address) }
  }
  return { port: undefined, isLoopback: false }
}
