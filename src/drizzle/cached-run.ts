/**
 * Runs a query through `getOrSet`. The cache stores the rows before the query decodes them, and the query decodes them
 * at every hit.
 */
import type { Cache, GetOrSetOptions } from '../cache.ts'
import { UnreadableValueError, UnserializableValueError, ValueTooLargeError } from '../values/errors.ts'
import { executionOf } from './execution.ts'
import { rowsOf, rowsText, valuesOf, valuesText } from './rows.ts'

/** A query that can return its result from the rows of an earlier run. */
export interface Replayable<T> {
  /** Part of the key, because the query cannot decode rows of another form. */
  readonly rowMode: string
  /** Runs the query. `encode` returns its rows as text. */
  send(): Promise<{ readonly result: T; encode(): string }>
  /** Decodes the result from the text of `encode`. @throws if the text is malformed */
  replay(text: string): () => Promise<T>
}

export function toReplayable<T>(query: PromiseLike<T>): Replayable<T> {
  const execution = executionOf(query)
  // Drizzle did not build this query, so only its result can be stored.
  if (execution === undefined) {
    return {
      rowMode: 'result',
      async send() {
        const result = await query
        return { result, encode: () => valuesText(result) }
      },
      replay(text) {
        const result = valuesOf(text) as T
        return async () => result
      },
    }
  }
  return {
    rowMode: execution.rowMode,
    async send() {
      let response: unknown
      const result = (await execution.run(async (run) => {
        response = await run()
        return response
      })) as T
      return { result, encode: () => rowsText(response) }
    },
    replay(text) {
      const rows = rowsOf(text)
      return () => execution.run(async () => rows) as Promise<T>
    },
  }
}

/**
 * Returns the query's result, from the cache or from the database.
 *
 * If a query succeeds but its rows cannot be stored, the call does not fail. `getOrSet` reports an `error` event and
 * releases the lease, and the caller gets the result.
 *
 * @throws any error of `getOrSet` or the query
 */
export async function cachedRun<T>(
  cache: Cache,
  key: string,
  query: Replayable<T>,
  options: GetOrSetOptions,
): Promise<T> {
  let own: { readonly result: T } | undefined
  const compute = async () => {
    const { result, encode } = await query.send()
    own = { result }
    return encode()
  }
  const sendAlone = async () => own?.result ?? (await query.send()).result
  let replay: () => Promise<T>
  try {
    const text = await cache.getOrSet<string>(key, compute, options)
    // This call ran the query and decoded its own result.
    if (own !== undefined) return (own as { readonly result: T }).result
    replay = query.replay(text)
  } catch (error) {
    if (options.signal?.aborted || !(own !== undefined || isUncacheable(error))) throw error
    return sendAlone()
  }
  return replay()
}

function isUncacheable(error: unknown): boolean {
  return [UnserializableValueError, ValueTooLargeError, UnreadableValueError].some((kind) => error instanceof kind)
}
