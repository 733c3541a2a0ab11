/**
 * Refuses arguments that a method would ignore.
 *
 * The types refuse them too, but programs in JavaScript have no types. `invalidate('a', 'b')` would leave b in place,
 * and `keys.map(cache.get)` would pass indexes as options.
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

/** The methods that throw. All others return a promise, which rejects. */
const AT_ONCE = new Set(['namespace', 'entry', 'reload'])
/** The methods that take several names as a list. */
const TAKE_LISTS = new Set(['getMany', 'deleteMany', 'invalidate'])

/** Returns the same cache, or part of a cache, with methods that refuse extra arguments. */
export function exactCache<T extends object>(cache: T): T {
  return withExactMethods(cache, MOST_ARGUMENTS)
}

/** Returns the same handle, with methods that refuse extra arguments. */
export function exactEntry<T>(entry: CacheEntry<T>): CacheEntry<T> {
  return withExactMethods(entry, MOST_ARGUMENTS_OF_ENTRY)
}

type Method = (...args: unknown[]) => unknown

function withExactMethods<T extends object>(methods: T, most: Readonly<Record<string, number>>): T {
  const checked = { ...methods }
  for (const [name, count] of Object.entries(most)) {
    const method: unknown = Reflect.get(methods, name)
    if (typeof method === 'function') Reflect.set(checked, name, refuseExtra(name, count, method as Method))
  }
  return checked
}

function refuseExtra(name: string, most: number, method: Method): Method {
  return (...args) => {
    // Wrappers that forward their arguments add a trailing undefined for each omitted one. These are harmless.
    if (args.length <= most || args.slice(most).every((argument) => argument === undefined)) return method(...args)
    const error = extraArguments(name, most, args.length)
    if (AT_ONCE.has(name)) throw error
    return Promise.reject(error)
  }
}

function extraArguments(name: string, most: number, got: number): InvalidOptionError {
  const expected = most === 1 ? 'one argument' : most === 0 ? 'no arguments' : `at most ${most} arguments`
  const hint = TAKE_LISTS.has(name) ? ` Pass several as a list: ${name}(['a', 'b']).` : ''
  return new InvalidOptionError(`Expected ${expected} of ${name}, got ${got}.${hint}`)
}
