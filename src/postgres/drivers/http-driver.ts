/**
 * Sends statements to Neon over HTTP as Drizzle's session does, but with an abort signal, and without type parsers that
 * the program may have replaced.
 */
import type { TableNames } from '../../schema/table-names.ts'
import { entriesOf } from '../operation.ts'
import { wrongAnswer } from '../rows.ts'
import { bindStatement } from './bind.ts'
import type { Driver } from './driver.ts'
import { fetchOptions } from './fetch-options.ts'
import { type HttpClient, isHttpClient, RAW } from './http-client.ts'

/** Returns undefined if the database does not use this client. */
export function httpDriver(db: object, tables: TableNames): Driver | undefined {
  const client = httpClient(db)
  if (client === undefined) return undefined
  return {
    keepsPlans: false,
    endsAbandoned: false,
    prepare(operation) {
      const { text, valuesOf } = bindStatement(tables, operation, 'column name')
      const width = entriesOf(operation.columns).length
      return async (values, call) => {
        const controller = new AbortController()
        call.abandon = () => controller.abort()
        const options = {
          ...RAW,
          arrayMode: true,
          fetchOptions: { signal: controller.signal, ...fetchOptions(call.isInternal === true) },
        }
        const { fields, rows } = await client.query(text, valuesOf(values), options)
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

function httpClient(db: object): HttpClient | undefined {
  const client: unknown = Reflect.get(db, '$client')
  // If the database has its own token ($withAuth), only Drizzle's session can send it.
  return isHttpClient(client) && Reflect.get(db, 'authToken') === undefined ? client : undefined
}
