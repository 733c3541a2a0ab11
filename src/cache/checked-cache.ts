/** Checks and copies caches, including caches of third parties. */
import type { Cache } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { ENGINE } from './engine.ts'

export const METHODS = [
  'get',
  'getMany',
  'has',
  'set',
  'setMany',
  'add',
  'getOrSet',
  'touch',
  'increment',
  'decrement',
  'limit',
  'pull',
  'delete',
  'deleteMany',
  'clear',
  'count',
  'expiration',
  'invalidate',
  'snapshot',
  'clearExpired',
  'stats',
  'list',
  'namespace',
  'entry',
] as const satisfies readonly (keyof Cache)[]

// A type error here means that a method of the interface is missing in the list.
METHODS satisfies readonly unknown[] & { [Missing in Exclude<keyof Cache, (typeof METHODS)[number]>]: never }

type Methods = Record<keyof Cache, (...args: unknown[]) => unknown>

/** Copies a cache to a plain object. A third party's cache may be a class instance, so its methods are called on it. */
export function forwardTo(target: Cache): Cache {
  if (Object.hasOwn(target, ENGINE)) return { ...target }
  const methods = METHODS.map((name) => {
    const call = (...args: unknown[]) => (target as unknown as Methods)[name](...args)
    return [name, call] as const
  })
  return Object.fromEntries(methods) as unknown as Cache
}

/** @param what the name of the option, for the message @throws InvalidOptionError */
export function checkedCache(cache: unknown, what: string): Cache {
  const methods = Object(cache) as Partial<Methods>
  if (METHODS.every((name) => typeof methods[name] === 'function')) return cache as Cache
  throw new InvalidOptionError(`Expected ${what} to be a cache, got ${describeType(cache)}.`)
}
