/** Sends statements through postgres-js, without Drizzle's session, so that a statement can be cancelled. */
import type { CacheTables } from '../../schema/index.ts'
import { describeType } from '../../values/errors.ts'
import { isWorkers } from '../../values/workers.ts'
import type { Database } from '../database.ts'
import { entriesOf } from '../operation.ts'
import { wrongAnswer } from '../rows.ts'
import { bindStatement } from './bind.ts'
import { AbandonedError, type Call, type Driver } from './driver.ts'
import { isOwnSession, queryLogger } from './session-kind.ts'

const KINDS = new Set(['PostgresJsSession'])

/** The part of postgres-js that is used here. */
interface Client {
  unsafe(text: string, values: readonly unknown[], options: { readonly prepare: boolean }): { values(): Query }
}

interface Query extends PromiseLike<unknown> {
  /** Takes the statement back, or asks the server to stop it. May return a promise of the latter. */
  cancel(): unknown
  /** The connection, once the statement is sent. */
  readonly state: object | null
}

/** Undefined if the database is not over this client. */
export function postgresJsDriver(db: Database, tables: CacheTables, preparedNames: boolean): Driver | undefined {
  const client: unknown = Reflect.get(db, '$client')
  if (!isOwnSession(db, KINDS, client) || !isClient(client)) return undefined
  const log = queryLogger(db)
  let hasNames = preparedNames
  return {
    get keepsPlans() {
      return hasNames
    },
    endsAbandoned: true,
    prepare(operation) {
      // A transform of the program may change the names of columns.
      const bound = bindStatement(db, tables, operation, { hasName: hasNames, mark: 'last cell' })
      const options = { prepare: bound.name !== undefined }
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

function isClient(client: unknown): client is Client {
  return typeof client === 'function' && typeof Reflect.get(client, 'unsafe') === 'function'
}

function send(query: Query, call: Call): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call.abandon = () => {
      if (query.state !== null) call.state = 'sent'
      else if (call.state === 'unknown') call.state = 'queued'
      reject(new AbandonedError())
      // On Workers, a statement that runs can only be left alone. One that waits is taken back without any connection.
      if (query.state === null || !isWorkers()) Promise.resolve(query.cancel()).catch(() => {})
    }
    query.then(resolve, reject)
  })
}
