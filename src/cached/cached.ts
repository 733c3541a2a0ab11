/** `cached`: stores the results of a function, as a wrapper and as a decorator of methods. */
import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { Jsonified } from '../values/jsonified.ts'
import { decorator } from './decorator.ts'
import { defaultKey } from './default-key.ts'
import { type AnyFunction, type CachedOptions, planOf } from './plan.ts'
import { isWrapped, wrapped } from './wrapped.ts'

/** A function whose results a cache stores. */
export interface CachedFunction<This, Args extends readonly unknown[], R> {
  /**
   * Returns the stored value for these arguments, or calls the function. `undefined` is returned and not stored, but callers
   * that wait for it share it; `null` is stored. Each call gets a value of its own, as the cache's codec brings it back. With
   * JSON, a Date is a string, whether the value was computed or found.
   */
  (this: This, ...args: Args): Promise<Jsonified<Awaited<R>>>
  /** The key of these arguments. @throws InvalidKeyError */
  key(...args: Args): string
  /** Removes the value of these arguments; true if there was one. A value that is being computed will not be stored. */
  invalidate(...args: Args): Promise<boolean>
  /**
   * Computes again and stores the value. Others get the old value until then. The new value is not stored if the entry was
   * written, removed or invalidated meanwhile. Waits for a computation that is under way. In a cache of another package, only
   * invalidations fence it.
   */
  refresh(...args: Args): Promise<Jsonified<Awaited<R>>>
  /** Calls the function itself, past the cache. */
  uncached(...args: Args): R
}

/**
 * A decorator of methods and static methods that return a promise.
 *
 * It does not compile for a method whose value JSON changes, such as an object with a Date: a decorator cannot change the
 * method's type.
 */
export type CachedMethodDecorator = <This, Args extends unknown[], T>(
  method: (this: This, ...args: Args) => Promise<T>,
  context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Promise<T>>,
) => (this: This, ...args: Args) => Promise<Jsonified<T>>

/**
 * A function that computes once for the same arguments, in every process and isolate, and stores the result.
 *
 * Arguments may be JSON, `undefined`, `NaN`, bigints, Dates, Maps and Sets. Different ones never share an entry: `f(1)`
 * and `f('1')`, `f('a:b')` and `f('a', 'b')`, `f(0)` and `f(-0)`. The order of an object's fields does not matter, that of
 * a Map or Set does. `this` is no part of the key, unless a function as `key` makes it one. An argument is refused if it has parts
 * that no text shows, such as hidden or inherited fields.
 *
 * As a decorator it is a standard (TC39) one, without compiler flags. Instances then carry their own method, so that
 * `asCached(users.find).invalidate(42)` knows whose it is.
 *
 * @throws InvalidOptionError, InvalidExpirationError; calls reject with InvalidKeyError for other arguments, and with what
 *   `getOrSet` throws
 * @example
 * const user = cached(loadUser, { cache, key: 'user', expiration: '10m' })
 * await user(42)
 * await user.invalidate(42)
 *
 * class Users {
 *   \@cached({ expiration: '10m' })
 *   async find(id: number) { … }
 * }
 */
export function cached<F extends (...args: never[]) => unknown>(
  fn: F,
  options?: CachedOptions<Parameters<F>>,
): CachedFunction<ThisParameterType<F>, Parameters<F>, ReturnType<F>>
export function cached(options?: CachedOptions<never>): CachedMethodDecorator
export function cached(first?: unknown, options?: CachedOptions): unknown {
  if (typeof first !== 'function') return decorator(first as CachedOptions | undefined)
  if (typeof Reflect.get(Object(options), 'addInitializer') === 'function') {
    throw new InvalidOptionError('Expected the decorator to be called: @cached().')
  }
  const fn = first as AnyFunction
  // At once, and once: a digest costs more than a key.
  const key = options?.key === undefined ? defaultKey(fn) : ''
  return wrapped(planOf(fn, options, () => key))
}

/**
 * A decorated method with what `cached` gave it, which the types of decorators cannot tell.
 *
 * @throws InvalidOptionError for a function that is not cached
 * @example
 * await asCached(users.find).invalidate(42)
 */
export function asCached<This, Args extends unknown[], R>(
  method: (this: This, ...args: Args) => R,
): CachedFunction<This, Args, R> {
  if (isWrapped(method)) return method as unknown as CachedFunction<This, Args, R>
  throw new InvalidOptionError(`Expected a function made by cached, got ${describeType(method)}.`)
}
