/** `cached`: stores the results of a function, as a wrapper and as a decorator of methods. */
import { cacheOn } from '../cache/build-cache.ts'
import { engineOf, type ScopedEngine } from '../cache/engine.ts'
import type { Cache, GetOrSetOptions } from '../cache.ts'
import { foundationOf } from '../stores/third-party/foundation.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { Jsonified } from '../values/jsonified.ts'
import { storedKey } from '../values/key.ts'
import { defaultKey } from './default-key.ts'
import { type AnyFunction, type CachedOptions, type CachedPlan, computing, planOf } from './plan.ts'

/** A function whose results a cache stores. */
export interface CachedFunction<This, Args extends readonly unknown[], R> {
  /**
   * Returns the stored value for these arguments, or calls the function. `undefined` is returned and not stored; `null` is
   * stored. Each call gets a value of its own, as the cache's codec brings it back: with JSON, a Date is a string, whether the
   * value was computed or found.
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

/** The functions that `cached` made. */
const made = new WeakSet<object>()

/**
 * A function that computes once for the same arguments, in every process and isolate, and stores the result.
 *
 * Arguments may be JSON, `undefined`, `NaN`, bigints, Dates, Maps and Sets. Different ones never share an entry: `f(1)`
 * and `f('1')`, `f('a:b')` and `f('a', 'b')`, `f(0)` and `f(-0)`. The order of an object's fields does not matter, that of
 * a Map or Set does. `this` is no part of the key, unless a function as `key` makes it one.
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
  if (fn.name === '' && options?.key === undefined) {
    throw new InvalidOptionError('Expected the option key for a function without a name.')
  }
  // At once, and once: a digest costs more than a key.
  const key = options?.key === undefined ? defaultKey(fn.name, fn) : ''
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
  if (made.has(method)) return method as unknown as CachedFunction<This, Args, R>
  throw new InvalidOptionError(`Expected a function made by cached, got ${describeType(method)}.`)
}

function wrapped(plan: CachedPlan, self?: unknown): AnyFunction {
  // As a helper's `this` is the function that it belongs to, that one stands for nobody.
  const owner = (given: unknown) => (given === undefined || given === call ? self : given)

  async function call(this: unknown, ...args: unknown[]): Promise<unknown> {
    const own = owner(this)
    const key = plan.keyOf(own, args)
    return plan.cacheOf(own).getOrSet(key, computing(plan, own, args, key), plan.optionsOf(own, args))
  }
  Object.defineProperty(call, 'name', { value: plan.fn.name, configurable: true })
  made.add(call)
  return Object.assign(call, {
    key(this: unknown, ...args: unknown[]) {
      return plan.keyOf(owner(this), args)
    },
    async invalidate(this: unknown, ...args: unknown[]) {
      const own = owner(this)
      return plan.cacheOf(own).delete(plan.keyOf(own, args))
    },
    async refresh(this: unknown, ...args: unknown[]) {
      const own = owner(this)
      const key = plan.keyOf(own, args)
      return refresh(plan.cacheOf(own), key, computing(plan, own, args, key), plan.optionsOf(own, args))
    },
    uncached(this: unknown, ...args: unknown[]) {
      return plan.fn.apply(owner(this), args)
    },
  })
}

/** Computes although a value is kept, and stores the result as a fill. */
async function refresh(cache: Cache, key: string, compute: unknown, options: GetOrSetOptions): Promise<unknown> {
  const { filler, scope } = engineOf(cache) ?? (engineOf(cacheOn(foundationOf(cache))) as ScopedEngine)
  return (await filler.refresh(key, storedKey(scope, key), compute, options)).value
}

function decorator(options: CachedOptions | undefined) {
  return (method: AnyFunction, context: ClassMethodDecoratorContext): AnyFunction => {
    if (context?.kind !== 'method') {
      throw new InvalidOptionError('Expected @cached() on a method or a static method.')
    }
    const { name } = context
    if (typeof name === 'symbol' && options?.key === undefined) {
      throw new InvalidOptionError('Expected the option key for a method that is named by a symbol.')
    }
    const keys = new Map<string, string>()
    const keyOfMethod = (owner: string): string => {
      const known = keys.get(owner) ?? defaultKey(owner, method, `.${String(name)}`)
      keys.set(owner, known)
      return known
    }
    const plan = planOf(method, options, (self) => keyOfMethod(className(self)))
    const shared = wrapped(plan)
    if (!context.private) {
      context.addInitializer(function (this: unknown) {
        // A subclass that overrides the method keeps its own.
        if (Reflect.get(this as object, name) !== shared) return
        const value = wrapped(plan, this)
        Object.defineProperty(this, name, { value, configurable: true, writable: true, enumerable: false })
      })
    }
    return shared
  }
}

/** The name of an object's class, or of the class itself for a static method. */
function className(self: unknown): string {
  const { name } = typeof self === 'function' ? self : (Object(self) as object).constructor
  if (self !== undefined && self !== null && name !== '') return name
  throw new InvalidOptionError('Expected the option key for a method of an object whose class has no name.')
}
