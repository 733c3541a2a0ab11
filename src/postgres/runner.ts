/** Runs operations: each built once, prepared under a name of its own, with a timeout and retries. */

import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { fillPlaceholders } from 'drizzle-orm'
import type { CacheTables } from '../schema.ts'
import { DatabaseTimeoutError } from '../values/errors.ts'
import { type Cost, utf8Bytes } from '../values/events.ts'
import type { Database, Operation, Prepared, QueryDatabase } from './database.ts'
import { databaseFailure } from './failure.ts'
import { createFirstContact } from './first-contact.ts'
import { withRetries } from './retry.ts'

export interface Runner {
  /** One operation, one statement, one round trip, added to the cost. @throws DatabaseError, DatabaseTimeoutError */
  run<Row>(operation: Operation<Row>, values?: Record<string, unknown>, cost?: Cost): Promise<Row[]>
  /** Whether all of it is part of a transaction of the caller's. */
  readonly isInTransaction: boolean
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
    options: { arrayMode: true; fullResults: true; fetchOptions: { signal: AbortSignal } },
  ): Promise<{ rows: unknown[][] }>
}

export function createRunner(
  db: Database,
  { tables, timeoutMs, preparedNames, countBytes = false, warn = true }: RunnerOptions,
): Runner {
  // Building a query costs about as much CPU as running it. On first use, because an isolate rarely needs all of them.
  const statements = new Map<Operation<unknown>, Statement>()
  const http = httpClient(db)
  const contact = createFirstContact(!warn)
  // There a failure has ended the transaction, and its own error is what a caller that repeats the whole needs to see.
  const isInTransaction = 'rollback' in db

  function statementOf<Row>(operation: Operation<Row>): Statement {
    let statement = statements.get(operation)
    if (statement === undefined) {
      const query = operation.build(db as unknown as QueryDatabase, tables)
      // A Drizzle `cache` that the user gave to this database must not cache the cache.
      query.$withCache(false)
      const prepared = query.prepare(preparedNames ? statementName(query.toSQL().sql) : '')
      statement = { prepared, columns: Object.keys(query._.selectedFields) }
      statements.set(operation, statement)
    }
    return statement
  }

  return {
    isInTransaction,
    async run(operation, values = {}, cost) {
      const statement = statementOf(operation)
      const send = http === undefined ? sendThroughDrizzle(statement) : sendOverHttp(http, statement)
      const rows = await withTimeout(timeoutMs, (signal) =>
        withRetries(
          isInTransaction ? 'never' : operation.repeatable,
          async () => {
            if (cost !== undefined) cost.roundTrips++
            try {
              return await send(values, signal)
            } catch (error) {
              throw databaseFailure(error)
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
      return rows as never
    },
  }
}

interface Statement {
  readonly prepared: Prepared<unknown>
  /** In the order of the answer. */
  readonly columns: readonly string[]
}

type Send = (values: Record<string, unknown>, signal: AbortSignal) => Promise<unknown[]>

function sendThroughDrizzle({ prepared }: Statement): Send {
  return (values) => prepared.execute(values)
}

/** What Drizzle's session would send, with a signal. Every operation selects what drivers deliver as it is. */
function sendOverHttp(http: HttpClient, { prepared, columns }: Statement): Send {
  return async (values, signal) => {
    const { sql, params } = prepared.getQuery()
    const options = { arrayMode: true, fullResults: true, fetchOptions: { signal } } as const
    const { rows } = await http.query(sql, fillPlaceholders(params, values), options)
    return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])))
  }
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
async function withTimeout<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new DatabaseTimeoutError(timeoutMs))
      controller.abort()
    }, timeoutMs)
  })
  try {
    return await Promise.race([work(controller.signal), timedOut])
  } finally {
    clearTimeout(timer)
  }
}

// Of the text, because a driver refuses one name for two texts.
function statementName(text: string): string {
  return `pgstash_${bytesToHex(sha256(utf8ToBytes(text))).slice(0, 24)}`
}

function httpClient(db: Database): HttpClient | undefined {
  const client: unknown = Reflect.get(db, '$client')
  // A tagged template function with these two is Neon's; others are pools (objects) or lack `query`. Where the database
  // has a token of its own ($withAuth), only Drizzle's session knows how to send it.
  if (typeof client !== 'function' || Reflect.get(db, 'authToken') !== undefined) return undefined
  return 'query' in client && 'transaction' in client ? (client as unknown as HttpClient) : undefined
}
