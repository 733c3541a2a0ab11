/** A cache whose every method is another's. */
import type { Cache } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'

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

/** Methods may be of a class: they are called on their cache. */
export function delegate(target: Cache): Cache {
  const methods = METHODS.map((name) => {
    const call = (...args: unknown[]) => (target as unknown as Methods)[name](...args)
    return [name, call] as const
  })
  // What other parts of this package find a cache's insides by.
  const symbols = Object.getOwnPropertySymbols(target).map((symbol) => [symbol, Reflect.get(target, symbol)] as const)
  return Object.fromEntries([...methods, ...symbols]) as unknown as Cache
}

/** @param what the option's name, for the message @throws InvalidOptionError */
export function checkedCache(cache: unknown, what: string): Cache {
  const methods = Object(cache) as Partial<Methods>
  if (METHODS.every((name) => typeof methods[name] === 'function')) return cache as Cache
  throw new InvalidOptionError(`Expected ${what} to be a cache, got ${describeType(cache)}.`)
}
