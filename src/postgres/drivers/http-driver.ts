/**
 * Sends what Drizzle's session for Neon over HTTP would, but with a signal, and without type parsers that the program may have
 * replaced.
 */
import { fillPlaceholders } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import type { Database } from '../database.ts'
import { entriesOf } from '../operation.ts'
import { wrongAnswer } from '../rows.ts'
import type { Driver } from './driver.ts'
import { type FetchOptions, fetchOptions } from './fetch-options.ts'
import { prepare } from './prepare.ts'

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

const unchanged = (text: string) => text
const RAW = { arrayMode: true, fullResults: true, types: { getTypeParser: () => unchanged } } as const

/** Undefined if the database is not over this client. */
export function httpDriver(db: Database, tables: CacheTables): Driver | undefined {
  const client = httpClient(db)
  if (client === undefined) return undefined
  return {
    keepsPlans: false,
    endsAbandoned: false,
    prepare(operation) {
      const { sql, params } = prepare(db, tables, operation, { hasName: false, mark: 'column name' }).getQuery()
      const width = entriesOf(operation.columns).length
      return async (values, call) => {
        const controller = new AbortController()
        call.abandon = () => controller.abort()
        const filled = fillPlaceholders(params, { ...values })
        const options = {
          ...RAW,
          fetchOptions: { signal: controller.signal, ...fetchOptions(call.isInternal === true) },
        }
        const { fields, rows } = await client.query(sql, filled, options)
        const isOurs = fields.length === width && fields[0]?.name === operation.name
        if (!isOurs || rows.some((row) => row.length !== width)) {
          throw wrongAnswer(operation.name, `rows of its ${width} columns`, 'others')
        }
        return rows
      }
    },
    forgetNames() {},
  }
}

function httpClient(db: Database): HttpClient | undefined {
  const client: unknown = Reflect.get(db, '$client')
  // A tagged template function with these two methods is Neon's. Others are pools (objects) or lack `query`. If the
  // database has its own token ($withAuth), only Drizzle's session can send it.
  if (typeof client !== 'function' || Reflect.get(db, 'authToken') !== undefined) return undefined
  return 'query' in client && 'transaction' in client ? (client as unknown as HttpClient) : undefined
}
