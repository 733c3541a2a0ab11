/** Finds the response store of a cache. */
import type { Cache } from '../cache.ts'
import { postgresEngineOf } from '../postgres/postgres-store.ts'
import { createResponseStore } from '../postgres/responses/response-store.ts'
import type { ResponseStore } from '../postgres/responses/store.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'

const stores = new WeakMap<object, ResponseStore>()

/**
 * Returns the response store on the cache's Postgres engine, and creates it at the first call. The cache does not create it
 * itself, so that programs without a response cache do not load this code.
 *
 * @throws InvalidOptionError if the cache cannot store responses
 */
export function responseStoreOf(cache: Cache): ResponseStore {
  const engine = postgresEngineOf(cache)
  if (engine === undefined) {
    throw new InvalidOptionError(`Expected a cache that keeps responses: createCache's; got ${describeType(cache)}.`)
  }
  let store = stores.get(engine)
  if (store === undefined) {
    store = createResponseStore(engine)
    stores.set(engine, store)
  }
  return store
}
