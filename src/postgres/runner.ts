/** Runs operations, with a timeout and retries. Builds each operation once, and prepares it under its name. */

import type { TableNames } from '../schema/table-names.ts'
import { type DatabaseError, DatabaseTimeoutError } from '../values/errors.ts'
import { type Cost, utf8Bytes } from '../values/events.ts'
import { ignoreRejection } from '../values/promises.ts'
import { isWorkers } from '../values/workers.ts'
import { type Database, type DatabaseSource, isTransaction, openDatabase } from './database.ts'
import { clientDriver } from './drivers/client-driver.ts'
import type { Call, Driver, Send, WireValues } from './drivers/driver.ts'
import { drizzleDriver } from './drivers/drizzle-driver.ts'
import { httpDriver } from './drivers/http-driver.ts'
import { pgDriver } from './drivers/pg-driver.ts'
import { postgresJsDriver } from './drivers/postgres-js-driver.ts'
import { overClient } from './drivers/session-kind.ts'
import { databaseFailure } from './failure.ts'
import { createFirstContact, type FirstContact } from './first-contact.ts'
import type { Operation } from './operation.ts'
import { createRequestCheck, timeoutAdvice } from './request-client.ts'
import { isUnknownName, withRetries } from './retry.ts'
import { routineCall } from './routines/routine-call.ts'
import { createRoutineUse } from './routines/routine-use.ts'
import { decodeRows } from './rows.ts'
import { separateTimeLimits, sharedTimeLimits, type TimeLimits } from './time-limits.ts'
import { wireValues } from './wire-values.ts'

export interface Runner {
  /**
   * Sends one operation as one statement in one round trip, and adds it to the cost.
   *
   * @throws DatabaseError, DatabaseTimeoutError
   */
  run<Row>(operation: Operation<Row>, values?: Record<string, unknown>, cost?: Cost): Promise<Row[]>
  /** The same, for a cache that Next itself calls. A page that Next renders then does not depend on this request. */
  readonly runInternal: Runner['run']
  /** True inside a transaction of the caller. */
  readonly isInTransaction: boolean
  /**
   * Returns the driver's own client, if Drizzle exposes it. Undefined while a driver is being loaded.
   *
   * @throws the error of a function that makes the database
   */
  client(): unknown
}

export interface RunnerOptions {
  tables: TableNames
  /** The time limit for one statement with its retries. */
  timeoutMs: number
  preparedNames: boolean
  /** Counts the bytes of values, which only events report. Default false. */
  countBytes?: boolean
  /** Logs once why the database was never reached. Default true. */
  warn?: boolean
  /** Called once if the database has no routines that this role can call. The error says what to do. */
  onFallback?: ((error: DatabaseError) => void) | undefined
}

export function createRunner(
  source: DatabaseSource,
  { tables, timeoutMs, preparedNames, countBytes = false, warn = true, onFallback = () => {} }: RunnerOptions,
): Runner {
  const connect = connectOnce(openDatabase(source, overClient), { tables, preparedNames, timeoutMs })
  const contact = createFirstContact(!warn)
  const routines = createRoutineUse(tables, onFallback)
  // A failure ends the caller's transaction. To repeat it, the caller needs the original error, so do not retry.
  const isInTransaction = isTransaction(source)
  // Filled at first use, because an isolate rarely needs all statements.
  const inline = new Map<Operation<never>, Send>()
  const calls = new Map<Operation<never>, Send | undefined>()

  function inlineSender(driver: Driver, operation: Operation<never>): Send {
    let send = inline.get(operation)
    if (send === undefined) {
      send = driver.prepare(operation)
      inline.set(operation, send)
    }
    return send
  }

  /**
   * Returns undefined if the statement is sent inline: its plan is kept, it has no routine, or the routine is missing.
   */
  function routineSender(driver: Driver, operation: Operation<never>): Send | undefined {
    const isInline = driver.keepsPlans && operation.prefersRoutine !== true
    // A missing routine would end the caller's transaction.
    if (isInline || isInTransaction || !routines.isAllowed()) return undefined
    if (!calls.has(operation)) {
      const call = routineCall(operation)
      calls.set(operation, call && driver.prepare(call))
    }
    return calls.get(operation)
  }

  async function attempt({ driver, values, call, cost }: Sending, sender: Send) {
    if (cost !== undefined) cost.roundTrips++
    try {
      return await sender(values, call)
    } catch (error) {
      const failure = databaseFailure(error)
      if (driver.keepsPlans && isUnknownName(failure)) {
        driver.forgetNames()
        inline.clear()
        calls.clear()
      }
      throw failure
    }
  }

  function send(sending: Sending) {
    const routine = routineSender(sending.driver, sending.operation)
    if (routine !== undefined) return callRoutine(sending, routine)
    return attempt(sending, inlineSender(sending.driver, sending.operation))
  }

  async function callRoutine(sending: Sending, routine: Send) {
    try {
      const rows = await attempt(sending, routine)
      routines.noteAnswer()
      return rows
    } catch (error) {
      if (!routines.mayRunInline(error)) throw error
      const rows = await attempt(sending, inlineSender(sending.driver, sending.operation))
      routines.noteMissing(error)
      return rows
    }
  }

  const runAs =
    (isInternal: boolean): Runner['run'] =>
    async (operation, values = {}, cost) => {
      const connection = connectFor(contact, connect)
      const { driver, limits, checkRequest } = connection instanceof Promise ? await connection : connection
      checkRequest()
      const call: LimitedCall = {
        state: 'unknown',
        isAbandoned: false,
        abandon: undefined,
        timeout: undefined,
        isInternal,
      }
      const sending: Sending = {
        driver,
        operation: operation as unknown as Operation<never>,
        values: wireValues(values),
        call,
        cost,
      }
      const work = withRetries(
        isInTransaction ? 'never' : operation.repeatable,
        async () => decodeRows(operation, await send(sending)),
        call,
      )
      limits.start(call)
      let rows: Awaited<typeof work>
      try {
        rows = await (driver.endsAbandoned ? work : Promise.race([work, rejection(call)]))
      } catch (error) {
        const failure = call.timeout ?? error
        contact.noteFailure(failure)
        throw failure
      } finally {
        // Stop the timer, so that none outlives the call.
        limits.stop(call)
      }
      contact.noteSuccess()
      if (countBytes && cost !== undefined) cost.bytes += movedBytes([values, ...rows])
      return rows
    }

  return {
    isInTransaction,
    client() {
      const connection = connect()
      if (!(connection instanceof Promise)) return Reflect.get(connection.db, '$client')
      // The next statement reports the failure.
      ignoreRejection(connection)
      return undefined
    },
    run: runAs(false),
    runInternal: runAs(true),
  }
}

/** Connects. Reports a failure to create the database to `contact`, because the cache then never worked. */
function connectFor(contact: FirstContact, connect: Connect): Connection | Promise<Connection> {
  const report = (error: unknown): never => {
    contact.noteFailure(error)
    throw error
  }
  try {
    const connection = connect()
    return connection instanceof Promise ? connection.catch(report) : connection
  } catch (error) {
    return report(error)
  }
}

/** An operation on its way to the database. */
interface Sending {
  readonly driver: Driver
  readonly operation: Operation<never>
  readonly values: WireValues
  readonly call: Call
  readonly cost: Cost | undefined
}

/** A call whose time is limited. */
interface LimitedCall extends Call {
  /** Set once the time is over. */
  timeout: DatabaseTimeoutError | undefined
  /** Rejects with the timeout, for drivers that cannot end their work. */
  reject?: (error: DatabaseTimeoutError) => void
}

/** An open database, with its driver and its time limits. */
interface Connection {
  readonly db: object
  readonly driver: Driver
  readonly limits: TimeLimits<LimitedCall>
  checkRequest(): void
}

/** Returns a promise only if a driver must be loaded first. */
type Connect = () => Connection | Promise<Connection>

type ConnectOptions = Pick<RunnerOptions, 'tables' | 'preparedNames' | 'timeoutMs'>

/** Inspects the database at first use, not earlier, because a function may create it. */
function connectOnce(open: () => object, options: ConnectOptions): Connect {
  let found: Connection | undefined
  const keep = (db: object) => (found ??= inspect(db, options))
  return () => {
    if (found !== undefined) return found
    const db = open()
    return db instanceof Promise ? db.then(keep) : keep(db)
  }
}

function inspect(db: object, { tables, preparedNames, timeoutMs }: ConnectOptions): Connection {
  const driver =
    httpDriver(db, tables) ??
    pgDriver(db, tables, preparedNames) ??
    postgresJsDriver(db, tables, preparedNames) ??
    clientDriver(db, tables) ??
    drizzleDriver(db as Database, tables, preparedNames)
  const createLimits = driver.endsAbandoned && !isWorkers() ? sharedTimeLimits : separateTimeLimits
  const limits = createLimits<LimitedCall>(timeoutMs, (call) => abandon(db, timeoutMs, call))
  return { db, driver, limits, checkRequest: createRequestCheck(db) }
}

/** Ends the work of a call. */
function abandon(db: object, timeoutMs: number, call: LimitedCall): void {
  call.isAbandoned = true
  // Call this first, because only then does the driver know whether it has sent the statement.
  call.abandon?.()
  call.timeout = new DatabaseTimeoutError(timeoutMs, { sent: call.state !== 'queued', advice: timeoutAdvice(db) })
  call.reject?.(call.timeout)
}

/** Rejects when the time is over. */
function rejection(call: LimitedCall): Promise<never> {
  return new Promise((_, reject) => {
    call.reject = reject
  })
}

/** Counts the bytes of all values in parameters and rows. Values have the same field names everywhere. */
function movedBytes(records: readonly unknown[]): number {
  let bytes = 0
  for (const record of records) {
    const { value, number, values, numbers } = Object(record)
    for (const text of [value, number, values, numbers].flat()) if (typeof text === 'string') bytes += utf8Bytes(text)
  }
  return bytes
}
