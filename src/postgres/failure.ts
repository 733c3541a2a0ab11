/** What a driver throws, made into a {@link DatabaseError} that says what to do and shows no content. */
import { CacheError, DatabaseError } from '../values/errors.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { withoutContent } from '../values/redact.ts'
import { SQLSTATE_ADVICE } from '../values/sqlstate-advice.ts'
import { isRefusedByWorkerd, sharedClientError } from './request-client.ts'

/** Codes of failures that happen before anything was sent. */
const UNSENT_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'CONNECT_TIMEOUT'])
/** Codes that come before anything was sent when connecting failed, and later when reading did. */
const UNSENT_WHEN_CONNECTING = new Set(['EHOSTUNREACH', 'ENETUNREACH'])

/** SQLSTATEs with which a server or a pooler turns a connection away before it takes a statement. */
const UNSENT_SQLSTATES = new Set(['08001', '08004', '53300', '57P03'])

/** Neon's for a request over 64 MB. */
const TOO_LARGE_STATUS = 413

// Not just five characters: EPIPE is a code as well.
const SQLSTATE = /^[0-9FHPX][0-9A-Z]{4}$/
const SYSTEM_CODE = /^[A-Z][A-Z0-9_]{3,40}$/

/** Makes a {@link DatabaseError} of whatever a driver threw; errors of pgstash and signals of a framework pass as they are. */
export function databaseFailure(thrown: unknown): unknown {
  if (thrown instanceof CacheError) return thrown
  const chain = causes(thrown)
  // The driver has wrapped what `fetch` threw.
  const signal = chain.find(isFrameworkSignal)
  if (signal !== undefined) return signal
  if (chain.some(isRefusedByWorkerd)) return sharedClientError()
  const codes = chain.map((error) => stringField(error, 'code')).filter((code) => code !== undefined)
  const cause = withoutContent(chain.at(-1) ?? thrown)
  const sqlState = codes.find((code) => SQLSTATE.test(code))
  if (sqlState !== undefined) {
    return new DatabaseError(SQLSTATE_ADVICE[sqlState] ?? `Postgres refused the statement with SQLSTATE ${sqlState}.`, {
      sqlState,
      sent: !UNSENT_SQLSTATES.has(sqlState),
      cause,
    })
  }
  const status = httpStatus(chain)
  if (status !== undefined) {
    const why = status === TOO_LARGE_STATUS ? ': the request is larger than it takes' : ''
    return new DatabaseError(`The database's HTTP endpoint answered with status ${status}${why}.`, { status, cause })
  }
  const code = codes.find((code) => SYSTEM_CODE.test(code))
  return new DatabaseError(
    code === undefined
      ? `The database could not be reached, or its driver failed (${cause.name}): is the connection string right, and the server up?`
      : `The database could not be reached (${code}).`,
    { sent: !chain.some(wasUnsent), cause },
  )
}

function wasUnsent(error: unknown): boolean {
  const code = stringField(error, 'code') ?? ''
  return UNSENT_CODES.has(code) || (UNSENT_WHEN_CONNECTING.has(code) && stringField(error, 'syscall') === 'connect')
}

/** An error and what is below it: `cause` by convention, `sourceError` in Neon's driver, `errors` of an AggregateError. */
function causes(thrown: unknown): unknown[] {
  const found: unknown[] = []
  const queue = [thrown]
  while (queue.length > 0 && found.length < 16) {
    const error = queue.shift()
    if (typeof error !== 'object' || error === null || found.includes(error)) continue
    found.push(error)
    queue.push(Reflect.get(error, 'cause'), Reflect.get(error, 'sourceError'))
    const errors: unknown = Reflect.get(error, 'errors')
    if (Array.isArray(errors)) queue.push(...errors)
  }
  return found
}

// Neon's driver tells the status only in its message.
function httpStatus(chain: unknown[]): number | undefined {
  for (const error of chain) {
    const [, status] = /\(HTTP status (\d{3})\)/.exec(stringField(error, 'message') ?? '') ?? []
    if (status !== undefined) return Number(status)
  }
  return undefined
}

function stringField(error: unknown, field: 'code' | 'message' | 'syscall'): string | undefined {
  const value: unknown = Reflect.get(Object(error), field)
  return typeof value === 'string' ? value : undefined
}
