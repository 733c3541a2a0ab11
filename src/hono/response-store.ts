/** The response store of a cache. */
import type { Cache } from '../cache.ts'
import { postgresEngineOf } from '../postgres/postgres-store.ts'
import { responding } from '../postgres/responses/response-store.ts'
import type { ResponseStore } from '../postgres/responses/store.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'

const stores = new WeakMap<object, ResponseStore>()

/**
 * Made of what the cache works with, and not by the cache itself, so that who keeps no responses does not load this.
 *
 * @throws InvalidOptionError where the cache cannot keep responses
 */
export function responseStoreOf(cache: Cache): ResponseStore {
  const engine = postgresEngineOf(cache)
  if (engine === undefined) {
    throw new InvalidOptionError(`Expected a cache that keeps responses: createCache's; got ${describeType(cache)}.`)
  }
  let store = stores.get(engine)
  if (store === undefined) {
    store = responding(engine)
    stores.set(engine, store)
  }
  return store
}
