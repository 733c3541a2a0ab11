/** Turns any error of a driver into a {@link DatabaseError}, which says what to do and shows no content. */
import { CacheError, DatabaseError } from '../values/errors.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { knownWords } from '../values/known-words.ts'
import { SQLSTATE, safeCode, text, withoutContent } from '../values/redact.ts'
import { sqlStateAdvice } from '../values/sqlstate-advice.ts'
import { UnsentError } from './drivers/driver.ts'
import { fixedTexts, reasonOf } from './failure-reasons.ts'
import { isRefusedByWorkerd, sharedClientError } from './request-client.ts'

/** pg says this if the client lost its connection before the call. */
const UNSENT_MESSAGE = /\bis not queryable$/

/** Codes of failures that happen before anything was sent. */
const UNSENT_CODES = new Set([
  'ConnectionRefused',
  'CONNECT_TIMEOUT',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENOTFOUND',
  'ERR_INVALID_URL',
  'UND_ERR_CONNECT_TIMEOUT',
])
/**
 * Codes of failures before anything was sent, if they happen while connecting. Later, a statement may have been sent.
 */
const UNSENT_WHEN_CONNECTING = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ENOENT'])

/** SQLSTATEs with which a server or a pooler refuses a connection, or ends an idle one, before it takes a statement. */
const UNSENT_SQLSTATES = new Set(['08001', '08004', '53300', '57P03', '57P05'])

/**
 * PgBouncer gives every failure the same SQLSTATE. These messages mean that it has not passed the statement to a
 * server.
 */
const UNSENT_BY_POOLER = /^(?:query_wait_timeout|pgbouncer cannot connect to server|server login has been failing)/

/** Statuses with which an endpoint refuses a request. It may send a timeout (408) after it has run the statement. */
const REFUSALS = { first: 400, last: 499, except: 408 }

/** Bounds the work, because an AggregateError has an error for each address of the host. */
const MAX_CAUSES = 16

/** Converts a driver's error. Returns pgstash's own errors and a framework's signals unchanged. */
export function databaseFailure(thrown: unknown): unknown {
  if (thrown instanceof CacheError) return thrown
  const isUnsent = thrown instanceof UnsentError
  const chain = causes(isUnsent ? thrown.cause : thrown)
  // The driver wraps errors of `fetch`.
  const signal = chain.find(isFrameworkSignal)
  if (signal !== undefined) return signal
  if (chain.some(isRefusedByWorkerd)) return sharedClientError()
  const root = chain.at(-1) ?? thrown
  const codes = chain.map(safeCode).filter((code) => code !== undefined)
  const sqlState = codes.find((code) => SQLSTATE.test(code))
  const status = httpStatus(chain)
  const code = codes.find((code) => !SQLSTATE.test(code))
  const reason = reasonOf({ chain, code, sqlState, status })
  if (sqlState !== undefined) {
    return new DatabaseError(reason ?? sqlStateAdvice(sqlState), {
      sqlState,
      sent: !isUnsent && !UNSENT_SQLSTATES.has(sqlState) && !chain.some(isUnsentByPooler),
      cause: withoutContent(root),
    })
  }
  // Without an SQLSTATE, a driver or runtime wrote the message. It is not the answer to a statement, so it repeats no
  // values.
  const said = knownWords(text(root, 'message'), fixedTexts())
  const cause = withoutContent(root, said)
  return new DatabaseError(reason ?? unknownReason(cause.name, said), {
    ...(status === undefined ? {} : { status }),
    sent: !isUnsent && !isRefusal(status) && !chain.some(wasUnsent),
    cause,
  })
}

function unknownReason(name: string, said: string | undefined): string {
  const words = said === undefined ? '' : ` The driver said, without what may be secret: ${said}`
  return `The database is unreachable, or its driver failed (${name}): check the connection string and the server.${words}`
}

function wasUnsent(error: unknown): boolean {
  const code = text(error, 'code')
  if (UNSENT_MESSAGE.test(text(error, 'message'))) return true
  return UNSENT_CODES.has(code) || (UNSENT_WHEN_CONNECTING.has(code) && text(error, 'syscall') === 'connect')
}

function isUnsentByPooler(error: unknown): boolean {
  return text(error, 'code') === '08P01' && UNSENT_BY_POOLER.test(text(error, 'message'))
}

function isRefusal(status = 0): boolean {
  return status >= REFUSALS.first && status <= REFUSALS.last && status !== REFUSALS.except
}

/**
 * Lists an error and its causes: `cause` by convention, `sourceError` in Neon's driver, `error` in the event of a
 * WebSocket, `errors` in an AggregateError.
 */
function causes(thrown: unknown): unknown[] {
  const found: unknown[] = []
  const queue = [thrown]
  while (queue.length > 0 && found.length < MAX_CAUSES) {
    const error = queue.shift()
    if (typeof error !== 'object' || error === null || found.includes(error)) continue
    found.push(error)
    queue.push(Reflect.get(error, 'cause'), Reflect.get(error, 'sourceError'), Reflect.get(error, 'error'))
    const errors: unknown = Reflect.get(error, 'errors')
    if (Array.isArray(errors)) queue.push(...errors)
  }
  return found
}

// Neon's driver gives the status only in its message.
function httpStatus(chain: readonly unknown[]): number | undefined {
  for (const error of chain) {
    const [, status] = /\(HTTP status (\d{3})\)/.exec(text(error, 'message')) ?? []
    if (status !== undefined) return Number(status)
  }
  return undefined
}
