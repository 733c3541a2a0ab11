/** Runs a Drizzle query with rows from another source than the driver, so that the query itself decodes them. */

/** Sends the query, or returns rows that the driver returned earlier. */
export type Source = (send: () => Promise<unknown>) => Promise<unknown>

/** The internals of Drizzle's prepared queries that this file replaces; the same in 0.45 and 1.0. */
interface PreparedQuery {
  execute(placeholderValues?: undefined, authToken?: unknown): Promise<unknown>
  queryWithCache(sql: string, params: unknown[], send: () => Promise<unknown>): Promise<unknown>
}

export interface Execution {
  /** 1.0 asks drivers for rows as arrays or as objects; 0.45 always for arrays. */
  readonly rowMode: string
  run(source: Source): Promise<unknown>
}

/**
 * Returns how to run a query, or undefined if it is not one of Drizzle's builders.
 *
 * Every driver's session sends through `queryWithCache`, in which Drizzle also reads its own `cache`. The run skips
 * that cache, because two caches on top of each other would cost round trips and gain nothing.
 */
export function executionOf(query: object): Execution | undefined {
  const first = prepare(query)
  if (first === undefined) return undefined
  let next: PreparedQuery | undefined = first
  return {
    rowMode: String(Reflect.get(first, 'mode') ?? 'arrays'),
    async run(source) {
      // Each run gets its own prepared query, because a background refresh may still be running.
      const prepared = next ?? (prepare(query) as PreparedQuery)
      next = undefined
      const { queryWithCache } = prepared
      prepared.queryWithCache = (sql, params, send) => source(() => queryWithCache.call(prepared, sql, params, send))
      return prepared.execute(undefined, Reflect.get(query, 'authToken'))
    },
  }
}

function prepare(query: object): PreparedQuery | undefined {
  const method: unknown = Reflect.get(query, '_prepare')
  if (typeof method !== 'function') return undefined
  const prepared = method.call(query) as PreparedQuery
  if (typeof prepared.queryWithCache !== 'function') return undefined
  Reflect.set(prepared, 'cache', undefined)
  // Without a cache, Drizzle 1.0 would take a fast path that skips `queryWithCache`.
  Reflect.set(prepared, 'fastPath', false)
  return prepared
}
