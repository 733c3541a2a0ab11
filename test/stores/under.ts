/** Reaches below a cache, for tests that replace its store or remove it. */
import type { Cache, Store } from 'pgstash'

const ENGINE = Symbol.for('pgstash.engine')

/** The same cache, with some methods of its store replaced. */
export function overStore<C extends object>(cache: C, replace: (store: Store) => Partial<Store>): C {
  const engine = Reflect.get(cache, ENGINE) as { store: Store }
  return { ...cache, [ENGINE]: { ...engine, store: { ...engine.store, ...replace(engine.store) } } }
}

/** A cache as another package would implement it: only the methods, and the same for its namespaces. */
export function thirdParty(cache: Cache): Cache {
  const methods = Object.fromEntries(Object.entries(cache)) as unknown as Cache
  return { ...methods, namespace: (...args) => thirdParty(cache.namespace(...args)) }
}
