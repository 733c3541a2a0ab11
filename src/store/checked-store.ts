/** Checks a third-party store. */
import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { Store } from './store.ts'

type Methods = {
  [Name in keyof Store as Required<Store>[Name] extends (...args: never[]) => unknown ? Name : never]-?: true
}

/** All methods of a store. `satisfies` makes the compiler refuse a list that lacks one. */
export const METHODS = Object.keys({
  position: true,
  readLocal: true,
  leaseIdentity: true,
  read: true,
  readMany: true,
  has: true,
  deadline: true,
  write: true,
  add: true,
  touch: true,
  count: true,
  limit: true,
  remove: true,
  take: true,
  clear: true,
  sweep: true,
  invalidate: true,
  snapshot: true,
  size: true,
  stats: true,
  list: true,
  readOrClaim: true,
  fill: true,
  release: true,
} satisfies Methods) as (keyof Methods)[]

/** Methods that a store may leave out. They send nothing. */
export const OPTIONAL_METHODS: ReadonlySet<string> = new Set<keyof Methods>(['position', 'readLocal', 'leaseIdentity'])

/**
 * Checks a store, and returns it in a form that decorators can copy with `{ ...store }`. Its methods are bound to the
 * original object, so a copy shares the fields of the original.
 *
 * @throws InvalidOptionError, which names the missing methods
 */
export function checkedStore(store: Store): Store {
  if (typeof store !== 'object' || store === null) {
    throw new InvalidOptionError(`Expected a store, got ${describeType(store)}.`)
  }
  const missing = METHODS.filter((name) => !OPTIONAL_METHODS.has(name) && typeof store[name] !== 'function')
  if (missing.length > 0) {
    throw new InvalidOptionError(`Expected a store, got an object without the methods ${missing.join(', ')}.`)
  }
  const bound = METHODS.flatMap((name) => {
    const method = store[name]
    return method === undefined ? [] : [[name, (method as () => unknown).bind(store)] as const]
  })
  const { isLocal, isInTransaction, tellsChanges, source } = store
  return { ...store, isLocal, isInTransaction, tellsChanges, source, ...Object.fromEntries(bound) }
}
