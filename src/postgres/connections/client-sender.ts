/** Sends statements through a driver's own client, without Drizzle. */
import { fetchOptions } from '../drivers/fetch-options.ts'
import { isHttpClient, RAW } from '../drivers/http-client.ts'
import { isPgClient } from '../drivers/pg-client.ts'
import { isPool } from '../drivers/pool.ts'

/** Sends one statement. With `isList`, each row is a list of cells, otherwise an object. */
export type SendText = (text: string, values: unknown[], isList: boolean) => PromiseLike<{ rows: unknown[] }>

/** A client's `query` method. Its arguments and its result differ between drivers. */
type Query = (...args: unknown[]) => PromiseLike<{ rows: unknown[] }>

/** A statement of postgres-js or Bun, which resolves to objects. */
interface SqlQuery extends PromiseLike<unknown[]> {
  values(): PromiseLike<unknown[]>
}

/** True for a `neon()` function and a client of pg, neon-serverless, Vercel, postgres-js, Bun or PGlite. */
export function isClient(client: unknown): client is object {
  return senderOver(client) !== undefined
}

export function senderOver(client: unknown): SendText | undefined {
  if (isHttpClient(client)) {
    return (text, values, arrayMode) =>
      client.query(text, values, { ...RAW, arrayMode, fetchOptions: fetchOptions(false) })
  }
  if (isPool(client) || isPgClient(client)) {
    return (text, values, isList) =>
      (Reflect.get(client, 'query') as Query).call(client, { text, values, ...(isList && { rowMode: 'array' }) })
  }
  if (isSql(client)) {
    return async (text, values, isList) => {
      const query = client.unsafe(text, values)
      return { rows: await (isList ? query.values() : query) }
    }
  }
  if (isPglite(client)) {
    return (text, values, isList) => client.query(text, values, { rowMode: isList ? 'array' : 'object' })
  }
  return undefined
}

/** True for postgres-js and Bun's SQL, also within a transaction. */
function isSql(client: unknown): client is { unsafe(text: string, values: unknown[]): SqlQuery } {
  return typeof client === 'function' && 'unsafe' in client && ('begin' in client || 'savepoint' in client)
}

/**
 * True for PGlite and its transaction. The other methods are checked because SQLite clients also have `query` and
 * `exec`.
 */
function isPglite(client: unknown): client is { query: Query } {
  const { query, exec, execProtocol, rollback } = Object(client)
  return [query, exec, execProtocol ?? rollback].every((method) => typeof method === 'function')
}
