/** Runs operations: each built once, prepared under a name of its own, with a timeout and retries. */

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
  /** Whether all of it is part of a transaction of the caller's. */
  readonly isInTransaction: boolean
  /** The driver's own client, if Drizzle names it. @throws the error of a function that makes the database */
  client(): unknown
}

export interface RunnerOptions {
  tables: CacheTables
  /** For one statement, its retries included. */
  timeoutMs: number
  preparedNames: boolean
  /** Whether anybody wants to know how large the values are. */
  countBytes?: boolean
  /** Whether the console is told once why the database was never reached; default true. */
  warn?: boolean
}

/** Neon's HTTP client as far as it is used here: the one driver through which a signal reaches `fetch`. */
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
  // On first use, because an isolate rarely needs all of them.
  const senders = new Map<Operation<never>, Send>()
  const connected = onceOpened(openDatabase(source))
  const contact = createFirstContact(!warn)
  let hasNames = preparedNames
  // There a failure has ended the transaction, and its own error is what a caller that repeats the whole needs to see.
  const isInTransaction = isTransaction(source)

  function senderOf(operation: Operation<never>): Send {
    let send = senders.get(operation)
    if (send === undefined) {
      const { db, gate, http } = connected()
      const mark = http ? 'column name' : 'last cell'
      const prepared = prepare(gate?.db ?? db, tables, operation, { hasName: hasNames, mark })
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
    client: () => Reflect.get(connected().db, '$client'),
    async run(operation, values = {}, cost) {
      const { db, gate, checkRequest } = opened(connected, contact)
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

/** The function that makes the database may throw: that is a reason why the cache was never reached. */
function opened(connected: () => Connected, contact: FirstContact): Connected {
  try {
    return connected()
  } catch (error) {
    contact.failed(error)
    throw error
  }
}

/** A database after its first use, and what was found out about it. */
interface Connected {
  readonly db: Database
  readonly gate: PoolGate | undefined
  readonly http: HttpClient | undefined
  checkRequest(): void
}

/** Looks at the database at its first use, because a function may make it. */
function onceOpened(open: () => Database): () => Connected {
  let found: Connected | undefined
  return () => {
    if (found !== undefined) return found
    const db = open()
    found = { db, gate: poolGate(db), http: httpClient(db), checkRequest: createRequestCheck(db) }
    return found
  }
}

/** Answers with rows as lists of cells, one for each column of the operation. */
type Send = (values: Record<string, string | null>, signal: AbortSignal) => Promise<unknown[][]>

/** Drizzle gives each row as an object, with undefined for cells that did not arrive. */
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

/** Sends what Drizzle's session would, with a signal, and without the type parsers that a program may have replaced. */
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

const asItIs = (text: string) => text
const RAW = { arrayMode: true, fullResults: true, types: { getTypeParser: () => asItIs } } as const

/**
 * Parameters as text, lists as JSON text: the one form that all drivers send alike. They differ for arrays, and a type's
 * serializer can be replaced.
 */
function wireValues(values: Record<string, unknown>): Record<string, string | null> {
  const sent: Record<string, string | null> = {}
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined) sent[name] = null
    else sent[name] = typeof value === 'object' ? JSON.stringify(value) : String(value)
  }
  return sent
}

/** Of all values in parameters and rows, as they are named throughout. */
function movedBytes(records: readonly unknown[]): number {
  let bytes = 0
  for (const record of records) {
    const { value, number, values, numbers } = Object(record)
    for (const text of [value, number, values, numbers].flat()) if (typeof text === 'string') bytes += utf8Bytes(text)
  }
  return bytes
}

/** Ends with the timer, whatever the work does; the timer never outlives the work. */
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
  // A tagged template function with these two is Neon's; others are pools (objects) or lack `query`. Where the database
  // has a token of its own ($withAuth), only Drizzle's session knows how to send it.
  if (typeof client !== 'function' || Reflect.get(db, 'authToken') !== undefined) return undefined
  return 'query' in client && 'transaction' in client ? (client as unknown as HttpClient) : undefined
}
