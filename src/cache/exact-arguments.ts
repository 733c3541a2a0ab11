/**
 * Refuses arguments that a method would ignore.
 *
 * The types refuse them too, but programs in JavaScript have no types. `invalidate('a', 'b')` would leave b in place, and
 * `keys.map(cache.get)` would pass indexes as options.
 */
import type { Cache, CacheEntry } from '../cache.ts'
import { InvalidOptionError } from '../values/errors.ts'

const MOST_ARGUMENTS = {
  get: 2,
  getMany: 1,
  has: 1,
  set: 3,
  setMany: 2,
  add: 3,
  getOrSet: 3,
  touch: 2,
  increment: 3,
  decrement: 3,
  limit: 2,
  pull: 1,
  delete: 1,
  deleteMany: 1,
  clear: 1,
  count: 1,
  expiration: 1,
  invalidate: 1,
  snapshot: 0,
  clearExpired: 1,
  stats: 1,
  list: 1,
  namespace: 2,
  entry: 1,
} as const satisfies Record<keyof Cache, number>

const MOST_ARGUMENTS_OF_ENTRY = {
  exists: 0,
  value: 0,
  set: 2,
  delete: 0,
  reload: 0,
} as const satisfies Record<keyof CacheEntry<unknown>, number>

/** These methods throw. All others return a promise, which rejects. */
const AT_ONCE = new Set(['namespace', 'entry', 'reload'])
/** These methods take several names as a list. */
const TAKE_LISTS = new Set(['getMany', 'deleteMany', 'invalidate'])

/** The same cache, or a part of one, with methods that refuse further arguments. */
export function exactCache<T extends object>(cache: T): T {
  return exact(cache, MOST_ARGUMENTS)
}

/** The same handle, with methods that refuse further arguments. */
export function exactEntry<T>(entry: CacheEntry<T>): CacheEntry<T> {
  return exact(entry, MOST_ARGUMENTS_OF_ENTRY)
}

type Method = (...args: unknown[]) => unknown

function exact<T extends object>(methods: T, most: Readonly<Record<string, number>>): T {
  const checked = { ...methods }
  for (const [name, count] of Object.entries(most)) {
    const method: unknown = Reflect.get(methods, name)
    if (typeof method === 'function') Reflect.set(checked, name, withoutFurther(name, count, method as Method))
  }
  return checked
}

function withoutFurther(name: string, most: number, method: Method): Method {
  return (...args) => {
    // Wrappers that pass on their arguments add trailing undefineds, which mean nothing.
    if (args.length <= most || args.slice(most).every((argument) => argument === undefined)) return method(...args)
    const error = furtherArguments(name, most, args.length)
    if (AT_ONCE.has(name)) throw error
    return Promise.reject(error)
  }
}

function furtherArguments(name: string, most: number, got: number): InvalidOptionError {
  const expected = most === 1 ? 'one argument' : most === 0 ? 'no arguments' : `at most ${most} arguments`
  const hint = TAKE_LISTS.has(name) ? ` Pass several as a list: ${name}(['a', 'b']).` : ''
  return new InvalidOptionError(`Expected ${expected} of ${name}, got ${got}.${hint}`)
}
