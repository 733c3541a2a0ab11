/** Sends statements through postgres-js, without Drizzle's session, so that a statement can be cancelled. */
import type { TableNames } from '../../schema/table-names.ts'
import { isWorkers } from '../../values/workers.ts'
import { checkMarks } from '../rows.ts'
import { bindStatement } from './bind.ts'
import { AbandonedError, type Call, type Driver, UnsentError } from './driver.ts'
import { clientOf, isOwnSession, queryLogger } from './session-kind.ts'

const KINDS = new Set(['PostgresJsSession'])

/** The part of postgres-js that we use. */
interface Client {
  /** The options with which the client was made. */
  readonly options?: { readonly prepare?: boolean }
  unsafe(text: string, values: readonly unknown[], options: Options): { values(): Query }
}

interface Options {
  readonly prepare: boolean
  /**
   * postgres-js calls this after it has written the statement. False keeps other statements off the connection until
   * the answer.
   */
  onexecute(): boolean
}

/**
 * Keeps postgres-js from sending a statement before the answer to ours has arrived.
 *
 * If it cancels a statement with others queued behind it, each of these gets the answer of the previous statement: a
 * wrong value (3.4.9). A statement behind ours would also wait for the lock that ours waits for.
 */
const allowNoFollower = () => false

interface Query extends PromiseLike<unknown> {
  strings: readonly string[]
  args: readonly unknown[]
  /** Sends only the text, without parameters. */
  simple(): unknown
  /** Asks the server to stop the statement. May return a promise. */
  cancel(): unknown
  /** The connection, once the statement is sent. */
  readonly state: object | null
}

/** Returns undefined if the database does not use this client. */
export function postgresJsDriver(db: object, tables: TableNames, preparedNames: boolean): Driver | undefined {
  const client = clientOf(db)
  if (!isOwnSession(db, KINDS, client) || !isPostgresJs(client)) return undefined
  const log = queryLogger(db)
  // Without `prepare`, the client ignores the names of single statements.
  let hasNames = preparedNames && client.options?.prepare !== false
  return {
    get keepsPlans() {
      return hasNames
    },
    endsAbandoned: true,
    prepare(operation) {
      // The mark is a cell, because the program's transform may change the names of columns.
      const bound = bindStatement(tables, operation, 'last cell')
      const options = { prepare: hasNames, onexecute: allowNoFollower }
      return async (given, call) => {
        const values = bound.valuesOf(given)
        log(bound.text, values)
        return checkMarks(operation, await send(client.unsafe(bound.text, values, options).values(), call))
      }
    },
    forgetNames() {
      hasNames = false
    },
  }
}

/** True for postgres-js and its transactions. Bun's SQL is similar, but has no `typed`. */
function isPostgresJs(client: unknown): client is Client {
  return typeof client === 'function' && 'unsafe' in client && 'typed' in client
}

function send(query: Query, call: Call): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call.abandon = () => {
      const isWaiting = query.state === null
      if (!isWaiting) call.state = 'sent'
      else if (call.state === 'unknown') call.state = 'queued'
      reject(new AbandonedError())
      if (isWaiting) makeEmpty(query)
      // On Workers we cannot cancel a running statement, so leave it.
      else if (!isWorkers()) Promise.resolve(query.cancel()).catch(() => {})
    }
    query.then(resolve, (error: unknown) => reject(query.state === null ? new UnsentError(error) : error))
  })
}

/**
 * Replaces a statement that is not sent yet by an empty statement. Rejected: `cancel`. A connection that is still
 * opening or belongs to a transaction never sends another statement after one was cancelled before it was sent
 * (postgres-js 3.4.9).
 */
function makeEmpty(query: Query): void {
  query.strings = ['select']
  query.args = []
  query.simple()
}
