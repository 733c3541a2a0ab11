/** Sends statements through postgres-js, without Drizzle's session, so that a statement can be cancelled. */
import type { CacheTables } from '../../schema/index.ts'
import { describeType } from '../../values/errors.ts'
import { isWorkers } from '../../values/workers.ts'
import type { Database } from '../database.ts'
import { entriesOf } from '../operation.ts'
import { wrongAnswer } from '../rows.ts'
import { bindStatement } from './bind.ts'
import { AbandonedError, type Call, type Driver, UnsentError } from './driver.ts'
import { clientOf, isOwnSession, queryLogger } from './session-kind.ts'

const KINDS = new Set(['PostgresJsSession'])

/** The part of postgres-js that is used here. */
interface Client {
  /** What the client was made with. */
  readonly options?: { readonly prepare?: boolean }
  unsafe(text: string, values: readonly unknown[], options: Options): { values(): Query }
}

interface Options {
  readonly prepare: boolean
  /** postgres-js calls it once it has written the statement. False keeps other statements off the connection meanwhile. */
  onexecute(): boolean
}

/**
 * Keeps postgres-js from sending a statement before the answer to ours has arrived.
 *
 * If it cancels a statement with others behind it, it gives each of these the answer of the one before: a wrong value
 * (3.4.9). A statement behind one of ours would also wait for its lock.
 */
const isNeverFollowed = () => false

interface Query extends PromiseLike<unknown> {
  strings: readonly string[]
  args: readonly unknown[]
  /** Sends the text alone, without parameters. */
  simple(): unknown
  /** Asks the server to stop the statement. May return a promise. */
  cancel(): unknown
  /** The connection, once the statement is sent. */
  readonly state: object | null
}

/** Undefined if the database is not over this client. */
export function postgresJsDriver(db: Database, tables: CacheTables, preparedNames: boolean): Driver | undefined {
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
      // A transform of the program may change the names of columns.
      const bound = bindStatement(db, tables, operation, { hasName: hasNames, mark: 'last cell' })
      const options = { prepare: bound.name !== undefined, onexecute: isNeverFollowed }
      const width = entriesOf(operation.columns).length
      return async (given, call) => {
        const values = bound.valuesOf(given)
        log(bound.text, values)
        const rows = await send(client.unsafe(bound.text, values, options).values(), call)
        if (!Array.isArray(rows)) throw wrongAnswer(operation.name, 'rows', describeType(rows))
        for (const row of rows) {
          if (row.length !== width + 1 || row[width] !== operation.name) {
            throw wrongAnswer(operation.name, 'its columns in order', 'others')
          }
        }
        return rows
      }
    },
    forgetNames() {
      hasNames = false
    },
  }
}

/** True for postgres-js, and within its transactions. Bun's SQL, which looks alike, has no `typed`. */
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
      // On Workers, a statement that runs can only be left alone.
      else if (!isWorkers()) Promise.resolve(query.cancel()).catch(() => {})
    }
    query.then(resolve, (error: unknown) => reject(query.state === null ? new UnsentError(error) : error))
  })
}

/**
 * Replaces a statement that is not sent yet by an empty one. Rejected: `cancel`. A connection that is still opening, or that
 * belongs to a transaction, never sends another statement after one that was cancelled before it was sent (postgres-js 3.4.9).
 */
function makeEmpty(query: Query): void {
  query.strings = ['select']
  query.args = []
  query.simple()
}
