/** Runs operations: each built once, prepared under a name of its own, with a timeout and retries. */

import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { fillPlaceholders } from 'drizzle-orm'
import type { CacheTables } from '../schema.ts'
import { DatabaseTimeoutError } from '../values/errors.ts'
import type { Database, Operation, Prepared } from './database.ts'
import { databaseFailure } from './failure.ts'
import { withRetries } from './retry.ts'

export interface Runner {
  /** One operation, one statement, one round trip. @throws DatabaseError, DatabaseTimeoutError */
  run<Row>(operation: Operation<Row>, values?: Record<string, unknown>): Promise<Row[]>
}

export interface RunnerOptions {
  tables: CacheTables
  /** For one operation, its retries included. */
  timeoutMs: number
  preparedNames: boolean
}

/** Neon's HTTP client as far as it is used here: the one driver through which a signal reaches `fetch`. */
interface HttpClient {
  query(
    text: string,
    params: unknown[],
    options: { arrayMode: true; fullResults: true; fetchOptions: { signal: AbortSignal } },
  ): Promise<unknown>
}

export function createRunner(db: Database, { tables, timeoutMs, preparedNames }: RunnerOptions): Runner {
  // Building a query costs about as much CPU as running it. On first use, because an isolate rarely needs all of them.
  const statements = new Map<Operation<unknown>, Prepared<unknown>>()
  const http = httpClient(db)

  function prepared<Row>(operation: Operation<Row>): Prepared<Row> {
    let statement = statements.get(operation) as Prepared<Row> | undefined
    if (statement === undefined) {
      const query = operation.build(db, tables)
      // A Drizzle `cache` that the user gave to this database must not cache the cache.
      query.$withCache(false)
      statement = query.prepare(preparedNames ? statementName(query.toSQL().sql) : '')
      statements.set(operation, statement)
    }
    return statement
  }

  async function send<Row>(statement: Prepared<Row>, values: Record<string, unknown>, signal: AbortSignal) {
    if (http === undefined) return statement.execute(values)
    const { sql, params } = statement.getQuery()
    const response = await http.query(sql, fillPlaceholders(params, values), {
      arrayMode: true,
      fullResults: true,
      fetchOptions: { signal },
    })
    return statement.mapResult(response) as Row[]
  }

  return {
    async run(operation, values = {}) {
      const statement = prepared(operation)
      return withTimeout(timeoutMs, (signal) =>
        withRetries(
          operation.repeatable,
          async () => {
            try {
              return await send(statement, values, signal)
            } catch (error) {
              throw databaseFailure(error)
            }
          },
          signal,
        ),
      )
    },
  }
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
  // A tagged template function with these two is Neon's; others are pools (objects) or lack `query`.
  if (typeof client !== 'function') return undefined
  return 'query' in client && 'transaction' in client ? (client as unknown as HttpClient) : undefined
}
