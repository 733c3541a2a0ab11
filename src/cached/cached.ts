/** `cached`: stores the results of a function. It is a wrapper for functions and a decorator for methods. */
import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { Jsonified } from '../values/jsonified.ts'
import { decorator } from './decorator.ts'
import { defaultKey } from './default-key.ts'
import { type AnyFunction, type CachedOptions, planOf } from './plan.ts'
import { isWrapped, wrapFunction } from './wrapped.ts'

/** A function whose results a cache stores. */
export interface CachedFunction<This, Args extends readonly unknown[], R> {
  /**
   * Returns the stored value for these arguments, or calls the function.
   *
   * `null` is stored. `undefined` is returned but not stored; the callers that wait for it share it. Each call gets its
   * own copy of the value, as the cache's codec decodes it. With JSON, a Date becomes a string, on a hit as well as on
   * a miss.
   */
  (this: This, ...args: Args): Promise<Jsonified<Awaited<R>>>
  /** Returns the key for these arguments. @throws InvalidKeyError */
  key(...args: Args): string
  /**
   * Removes the value for these arguments. Returns true if there was a live value.
   *
   * A value that is being computed will not be stored.
   */
  invalidate(...args: Args): Promise<boolean>
  /**
   * Computes again and stores the value. Until then, other callers get the old value.
   *
   * It first waits for a computation that is under way. The new value is not stored if the entry is written, removed or
   * invalidated meanwhile. In a cache of another package, only an invalidation prevents that it is stored.
   */
  refresh(...args: Args): Promise<Jsonified<Awaited<R>>>
  /** Calls the function itself, without the cache. */
  uncached(...args: Args): R
}

/**
 * A decorator for methods and static methods that return a promise.
 *
 * It does not compile for a method whose value JSON changes, such as an object with a Date. A decorator cannot change
 * the type of a method.
 */
export type CachedMethodDecorator = <This, Args extends unknown[], T>(
  method: (this: This, ...args: Args) => Promise<T>,
  context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Promise<T>>,
) => (this: This, ...args: Args) => Promise<Jsonified<T>>

/**
 * Wraps a function so that it computes once for the same arguments, across all processes and isolates, and stores the
 * result.
 *
 * Arguments may be JSON, `undefined`, `NaN`, bigints, Dates, Maps and Sets. Different arguments never share an entry:
 * `f(1)` and `f('1')`, `f('a:b')` and `f('a', 'b')`, `f(0)` and `f(-0)`. The order of an object's fields does not
 * matter. The order of a Map or Set does. An argument is refused if a key cannot show all its parts, such as hidden or
 * inherited fields. `this` is not part of the key, unless `key` is a function that includes it.
 *
 * As a decorator, it is a standard (TC39) decorator and needs no compiler flags. Each instance gets its own method, so
 * that `asCached(users.find).invalidate(42)` knows the instance.
 *
 * @throws InvalidOptionError, InvalidExpirationError; calls reject with InvalidKeyError for other arguments, and with
 *   the errors of `getOrSet`
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
  // Compute the default key once and now: a digest takes longer than the rest of a key.
  const key = options?.key === undefined ? defaultKey(fn) : ''
  return wrapFunction(planOf(fn, options, () => key))
}

/**
 * Returns a decorated method with the helpers that `cached` added. The types of decorators cannot express them.
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
