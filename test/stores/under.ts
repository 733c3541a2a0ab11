/** Reaches below a cache, for tests that need another store there, or none. */
import type { Cache, Store } from 'pgstash'

const ENGINE = Symbol.for('pgstash.engine')

/** The same cache, with some methods of its store replaced for those that build on the store. */
export function overStore<C extends object>(cache: C, replace: (store: Store) => Partial<Store>): C {
  const engine = Reflect.get(cache, ENGINE) as { store: Store }
  return { ...cache, [ENGINE]: { ...engine, store: { ...engine.store, ...replace(engine.store) } } }
}

/** A cache as another package would make it: nothing but the methods, and the same for its namespaces. */
export function thirdParty(cache: Cache): Cache {
  const methods = Object.fromEntries(Object.entries(cache)) as unknown as Cache
  return { ...methods, namespace: (...args) => thirdParty(cache.namespace(...args)) }
}
