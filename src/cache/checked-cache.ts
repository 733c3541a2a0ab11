/** Checks and copies of caches, whoever made them. */
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

// Every method of the interface is in the list.
METHODS satisfies readonly unknown[] & { [Missing in Exclude<keyof Cache, (typeof METHODS)[number]>]: never }

type Methods = Record<keyof Cache, (...args: unknown[]) => unknown>

/** The same cache as a plain object. A third party's methods may be those of a class, so they are called on their cache. */
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
