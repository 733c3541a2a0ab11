/** The response store of a cache. */
import type { Cache } from '../cache.ts'
import { CONTEXT, type Context } from '../postgres/context.ts'
import { responding } from '../postgres/responding.ts'
import type { ResponseStore } from '../responses/store.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'

const stores = new WeakMap<object, ResponseStore>()

/**
 * Made of what the cache works with, and not by the cache itself, so that who keeps no responses does not load this.
 *
 * @throws InvalidOptionError where the cache cannot keep responses
 */
export function responseStoreOf(cache: Cache): ResponseStore {
  const context = Reflect.get(Object(cache), CONTEXT) as Context | undefined
  if (context === undefined) {
    throw new InvalidOptionError(`Expected a cache that keeps responses: createCache's; got ${describeType(cache)}.`)
  }
  let store = stores.get(context)
  if (store === undefined) {
    store = responding(context)
    stores.set(context, store)
  }
  return store
}
