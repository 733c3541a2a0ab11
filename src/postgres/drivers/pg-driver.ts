/**
 * Sends statements through the clients of pg, neon-serverless and Vercel, without Drizzle's session.
 *
 * So the program's type parsers change nothing, and a statement can be cancelled once its caller has given up.
 */
import type { TableNames } from '../../schema/table-names.ts'
import { entriesOf } from '../operation.ts'
import { wrongAnswer } from '../rows.ts'
import { bindStatement } from './bind.ts'
import { cancelStatement } from './cancel.ts'
import { AbandonedError, type Call, type Driver, UnsentError } from './driver.ts'
import {
  classOf,
  ignoreError,
  isPgClient,
  type PgClient,
  type PgClientClass,
  type Result,
  type Statement,
} from './pg-client.ts'
import { isPool, type Lent, type Pool } from './pool.ts'
import { clientOf, isOwnSession, queryLogger } from './session-kind.ts'

/** Drizzle's sessions over these clients. */
const KINDS = new Set(['NodePgSession', 'NeonSession', 'VercelPgSession'])

const TEXT = { getTypeParser: () => textOf }
/** A client with `binary: true` receives bytes. The bytes of a text are its UTF-8. */
function textOf(cell: unknown): unknown {
  return typeof cell === 'string' ? cell : String(cell)
}

/** Sends a statement, and passes its result through `toRows`, which may throw. */
type Transport = (statement: Statement, call: Call, toRows: ToRows) => Promise<unknown[][]>
type ToRows = (result: Result) => unknown[][]

/**
 * Returns undefined if the database does not use such a client, or if the program has put code between Drizzle and the
 * client.
 */
export function pgDriver(db: object, tables: TableNames, preparedNames: boolean): Driver | undefined {
  const send = transportOf(db)
  if (send === undefined) return undefined
  const log = queryLogger(db)
  let hasNames = preparedNames
  return {
    get keepsPlans() {
      return hasNames
    },
    endsAbandoned: true,
    prepare(operation) {
      const bound = bindStatement(tables, operation, 'column name')
      const { text } = bound
      const name = hasNames ? bound.name() : undefined
      const width = entriesOf(operation.columns).length
      const toRows: ToRows = ({ fields, rows }) => {
        if (fields.length === width && fields[0]?.name === operation.name) return rows
        throw wrongAnswer(operation.name, `rows of its ${width} columns`, 'others')
      }
      return (given, call) => {
        const values = bound.valuesOf(given)
        log(text, values)
        // All properties are its own, because some programs that measure pg send a copy.
        return send({ name, text, values, rowMode: 'array', types: TEXT }, call, toRows)
      }
    },
    forgetNames() {
      hasNames = false
    },
  }
}

function transportOf(db: object): Transport | undefined {
  const client = clientOf(db)
  if (!isOwnSession(db, KINDS, client)) return undefined
  if (isPool(client)) {
    return sendsOverFetch(client) ? undefined : (...request) => sendOverPool(client, ...request)
  }
  // Only with the class `Query` can we withdraw a statement that waits behind others.
  if (!isPgClient(client) || classOf(client).Query === undefined) return undefined
  return (...request) => sendOverClient(client, ...request)
}

/** True if Neon's pool sends statements over HTTP, without any connection. Only the pool's own `query` can do that. */
function sendsOverFetch(pool: Pool): boolean {
  const { Client } = pool as { readonly Client?: new (options: object) => { readonly neonConfig?: object } }
  if (typeof Client !== 'function' || !('neonConfig' in Client.prototype)) return false
  const { neonConfig } = new Client(pool.options)
  return Reflect.get(Object(neonConfig?.constructor), 'poolQueryViaFetch') === true
}

function sendOverPool(pool: Pool, statement: Statement, call: Call, toRows: ToRows): Promise<unknown[][]> {
  return new Promise((resolve, reject) => {
    if (call.state === 'unknown') call.state = 'queued'
    call.abandon = () => reject(new AbandonedError())
    pool.connect((error, lent) => {
      if (lent === undefined) reject(new UnsentError(error))
      else if (call.isAbandoned) lent.release()
      else sendOverLent(pool, lent as PgClient & Lent, statement, call, { toRows, resolve, reject })
    })
  })
}

interface Settle {
  readonly toRows: ToRows
  resolve(rows: unknown[][]): void
  reject(error: unknown): void
}

function settle({ toRows, resolve, reject }: Settle, error: unknown, result: Result | undefined): void {
  try {
    if (result === undefined) reject(error)
    else resolve(toRows(result))
  } catch (wrong) {
    reject(wrong)
  }
}

function sendOverLent(pool: Pool, lent: PgClient & Lent, statement: Statement, call: Call, caller: Settle): void {
  let isLent = true
  const release = (isBroken?: unknown) => {
    if (!isLent) return
    isLent = false
    // Keep the listener on a broken connection, because it may fail once more.
    if (!isBroken) lent.removeListener('error', ignoreError)
    lent.release(isBroken)
  }
  call.state = 'sent'
  call.abandon = () => {
    caller.reject(new AbandonedError())
    // Another call may use the connection by now.
    if (!isLent) return
    // Cancel first, then release: a pooler finds the session to cancel by a connection that is still open.
    cancelStatement(lent, pool.options).then(() => release(true))
  }
  // The pool listens only to idle clients, and an `error` event without a listener ends the process.
  lent.on('error', ignoreError)
  try {
    lent.query(statement, undefined, (error, result) => {
      // A cancel request may be pending. It must not cancel a later statement on this connection.
      if (call.isAbandoned) return
      release(error && isRolledBack(error) ? undefined : error)
      settle(caller, error, result)
    })
  } catch (error) {
    release(error)
    caller.reject(error)
  }
}

/**
 * True if the server rolled the statement back because of a conflict. The statement will be repeated, and the
 * connection still works.
 */
function isRolledBack(error: unknown): boolean {
  return String(Reflect.get(Object(error), 'code')).startsWith('40')
}

/**
 * Sends a statement over a single client. The client sends one statement after the other, including the program's own,
 * and has no other connection.
 */
function sendOverClient(client: PgClient, statement: Statement, call: Call, toRows: ToRows): Promise<unknown[][]> {
  return new Promise((resolve, reject) => {
    let isAnswered = false
    const Query = classOf(client).Query as NonNullable<PgClientClass['Query']>
    let isSent = false
    const query = new Query(statement, undefined, (error, result) => {
      isAnswered = true
      settle({ toRows, resolve, reject }, error && !isSent ? new UnsentError(error) : error, result)
    })
    if (call.state === 'unknown') call.state = 'queued'
    const submit = query.submit.bind(query)
    query.submit = (connection) => {
      // The client passes this error to the callback, and continues with the next statement.
      if (call.isAbandoned) return new AbandonedError()
      call.state = 'sent'
      isSent = true
      return submit(connection)
    }
    call.abandon = () => {
      const giveUp = () => reject(new AbandonedError())
      // Cancel first. After that the program continues with this connection, and may return it to its pool.
      if (isSent && !isAnswered) cancelStatement(client, connectionOptions(client)).then(giveUp)
      else giveUp()
    }
    client.query(query)
  })
}

/** Returns options for another client of the same server, as far as this client exposes them. */
function connectionOptions(client: object): object {
  const { config, host, port, ssl, sslNegotiation } = client as Record<string, unknown>
  // Neon's client keeps its options in `config`.
  return config === undefined ? { host, port, ssl, sslnegotiation: sslNegotiation } : (config as object)
}
