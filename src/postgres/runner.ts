/** Runs operations. Each is built once and prepared under its own name, with a timeout and retries. */

import { fillPlaceholders } from 'drizzle-orm'
import type { CacheTables } from '../schema/index.ts'
import { DatabaseTimeoutError, describeType } from '../values/errors.ts'
import { type Cost, utf8Bytes } from '../values/events.ts'
import { type Database, type DatabaseSource, isTransaction, openDatabase, type Prepared } from './database.ts'
import { databaseFailure } from './failure.ts'
import { type FetchOptions, fetchOptions } from './fetch-options.ts'
import { createFirstContact, type FirstContact } from './first-contact.ts'
import { entriesOf, MARK, type Operation } from './operation.ts'
import { type Passage, type PoolGate, poolGate } from './pool-gate.ts'
import { prepare } from './prepare.ts'
import { createRequestCheck, timeoutAdvice } from './request-client.ts'
import { isUnknownName, withRetries } from './retry.ts'
import { decodeRows, wrongAnswer } from './rows.ts'

export interface Runner {
  /** One operation, one statement, one round trip, added to the cost. @throws DatabaseError, DatabaseTimeoutError */
  run<Row>(operation: Operation<Row>, values?: Record<string, unknown>, cost?: Cost): Promise<Row[]>
  /** True inside a transaction of the caller. */
  readonly isInTransaction: boolean
  /** The driver's own client, if Drizzle names it. @throws the error of a function that makes the database */
  client(): unknown
}

export interface RunnerOptions {
  tables: CacheTables
  /** The limit for one statement with its retries. */
  timeoutMs: number
  preparedNames: boolean
  /** Counts the bytes of values, which only events report. Default false. */
  countBytes?: boolean
  /** Logs once why the database was never reached. Default true. */
  warn?: boolean
}

/** The part of Neon's HTTP client that is used here. No other driver passes a signal to `fetch`. */
interface HttpClient {
  query(
    text: string,
    params: unknown[],
    options: HttpOptions,
  ): Promise<{ fields: { name: string }[]; rows: unknown[][] }>
}

interface HttpOptions {
  readonly arrayMode: true
  readonly fullResults: true
  readonly fetchOptions: FetchOptions & { readonly signal: AbortSignal }
  readonly types: { getTypeParser(): (text: string) => string }
}

export function createRunner(
  source: DatabaseSource,
  { tables, timeoutMs, preparedNames, countBytes = false, warn = true }: RunnerOptions,
): Runner {
  // Filled on first use, because an isolate rarely needs all statements.
  const senders = new Map<Operation<never>, Send>()
  const connect = connectOnce(openDatabase(source))
  const contact = createFirstContact(!warn)
  let hasNames = preparedNames
  // A failure ends the caller's transaction. To repeat it, the caller needs the original error, so do not retry.
  const isInTransaction = isTransaction(source)

  function senderOf(operation: Operation<never>): Send {
    let send = senders.get(operation)
    if (send === undefined) {
      const { db, gate, http } = connect()
      const mark = http ? 'column name' : 'last cell'
      // No name over HTTP, where no statement stays prepared: to hash one doubles the work before the first request.
      const prepared = prepare(gate?.db ?? db, tables, operation, { hasName: hasNames && !http, mark })
      send = http ? sendOverHttp(http, operation, prepared) : sendThroughDrizzle(operation, prepared)
      senders.set(operation, send)
    }
    return send
  }

  /** A pooler that gives each transaction another session loses the names. From now on, statements have none. */
  function forgetNames(): void {
    hasNames = false
    senders.clear()
  }

  return {
    isInTransaction,
    client: () => Reflect.get(connect().db, '$client'),
    async run(operation, values = {}, cost) {
      const { db, gate, checkRequest } = connectFor(contact, connect)
      checkRequest()
      const sent = wireValues(values)
      const passage: Passage = { state: 'unknown', isAbandoned: false }
      const rows = await withTimeout(db, timeoutMs, passage, (signal) =>
        withRetries(
          isInTransaction ? 'never' : operation.repeatable,
          async () => {
            if (cost !== undefined) cost.roundTrips++
            const send = senderOf(operation as unknown as Operation<never>)
            try {
              const pass = () => send(sent, signal)
              return decodeRows(operation, await (gate === undefined ? pass() : gate.pass(passage, pass)))
            } catch (error) {
              const failure = databaseFailure(error)
              if (hasNames && isUnknownName(failure)) forgetNames()
              throw failure
            }
          },
          signal,
        ),
      ).catch((error: unknown) => {
        contact.failed(error)
        throw error
      })
      contact.succeeded()
      if (countBytes && cost !== undefined) cost.bytes += movedBytes([values, ...rows])
      return rows
    },
  }
}

/** Connects. If the function that makes the database throws, that is a reason why the cache never worked. */
function connectFor(contact: FirstContact, connect: () => Connection): Connection {
  try {
    return connect()
  } catch (error) {
    contact.failed(error)
    throw error
  }
}

/** An open database, and what its driver offers. */
interface Connection {
  readonly db: Database
  readonly gate: PoolGate | undefined
  readonly http: HttpClient | undefined
  checkRequest(): void
}

/** Inspects the database at first use and not before, because a function may make it. */
function connectOnce(open: () => Database): () => Connection {
  let found: Connection | undefined
  return () => {
    if (found !== undefined) return found
    const db = open()
    found = { db, gate: poolGate(db), http: httpClient(db), checkRequest: createRequestCheck(db) }
    return found
  }
}

/** Returns rows as lists of cells, one for each column of the operation. */
type Send = (values: Record<string, string | null>, signal: AbortSignal) => Promise<unknown[][]>

/** Drizzle returns each row as an object, with undefined for cells that did not arrive. */
function sendThroughDrizzle(operation: Operation<never>, prepared: Prepared): Send {
  const names = entriesOf(operation.columns).map(([name]) => name)
  return async (values) => {
    const rows = await prepared.execute(values)
    if (!Array.isArray(rows)) throw wrongAnswer(operation.name, 'rows', describeType(rows))
    return rows.map((row: Record<string, unknown>) => {
      if (row[MARK] !== operation.name) throw wrongAnswer(operation.name, 'its columns in order', 'others')
      return names.map((name) => row[name])
    })
  }
}

/** Sends what Drizzle's session would, but with a signal, and without type parsers that the program may have replaced. */
function sendOverHttp(http: HttpClient, operation: Operation<never>, prepared: Prepared): Send {
  const width = entriesOf(operation.columns).length
  return async (values, signal) => {
    const { sql, params } = prepared.getQuery()
    const filled = fillPlaceholders(params, values)
    const { fields, rows } = await http.query(sql, filled, { ...RAW, fetchOptions: { signal, ...fetchOptions() } })
    const isOurs = fields.length === width && fields[0]?.name === operation.name
    if (!isOurs || rows.some((row) => row.length !== width)) {
      throw wrongAnswer(operation.name, `rows of its ${width} columns`, 'others')
    }
    return rows
  }
}

const unchanged = (text: string) => text
const RAW = { arrayMode: true, fullResults: true, types: { getTypeParser: () => unchanged } } as const

/**
 * Turns parameters into text, and lists into JSON text, because that is the only form that all drivers send alike. They
 * differ for arrays, and a program can replace the serializer of a type.
 */
function wireValues(values: Record<string, unknown>): Record<string, string | null> {
  const sent: Record<string, string | null> = {}
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined) sent[name] = null
    else sent[name] = typeof value === 'object' ? JSON.stringify(value) : String(value)
  }
  return sent
}

/** The bytes of all values in parameters and rows. The same field names hold values everywhere. */
function movedBytes(records: readonly unknown[]): number {
  let bytes = 0
  for (const record of records) {
    const { value, number, values, numbers } = Object(record)
    for (const text of [value, number, values, numbers].flat()) if (typeof text === 'string') bytes += utf8Bytes(text)
  }
  return bytes
}

/** Rejects when the timer fires, whatever the work does. The timer never outlives the work. */
async function withTimeout<T>(
  db: Database,
  timeoutMs: number,
  passage: Passage,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      passage.isAbandoned = true
      reject(new DatabaseTimeoutError(timeoutMs, { sent: passage.state !== 'queued', advice: timeoutAdvice(db) }))
      controller.abort()
    }, timeoutMs)
  })
  try {
    return await Promise.race([work(controller.signal), timedOut])
  } finally {
    clearTimeout(timer)
  }
}

function httpClient(db: Database): HttpClient | undefined {
  const client: unknown = Reflect.get(db, '$client')
  // A tagged template function with these two methods is Neon's. Others are pools (objects) or lack `query`. If the
  // database has its own token ($withAuth), only Drizzle's session can send it.
  if (typeof client !== 'function' || Reflect.get(db, 'authToken') !== undefined) return undefined
  return 'query' in client && 'transaction' in client ? (client as unknown as HttpClient) : undefined
}
