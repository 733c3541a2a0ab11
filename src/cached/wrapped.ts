/** Makes the function that replaces a cached function, with its helpers. */
import { cacheOn } from '../cache/build-cache.ts'
import { engineOf, type ScopedEngine } from '../cache/engine.ts'
import type { Cache, GetOrSetOptions } from '../cache.ts'
import { foundationOf } from '../stores/third-party/foundation.ts'
import { storedKey } from '../values/key.ts'
import { type AnyFunction, type CachedPlan, computationOf } from './plan.ts'

/** The functions that `cached` returned. */
const wrappers = new WeakSet<object>()

export const isWrapped = (fn: object): boolean => wrappers.has(fn)

/** @param self replaces a missing `this` */
export function wrapFunction(plan: CachedPlan, self?: unknown): AnyFunction {
  // `f.key()` has `f` as its `this`, which is not the owner of the method. Use `self` then.
  const owner = (given: unknown) => (given === undefined || given === call ? self : given)

  async function call(this: unknown, ...args: unknown[]): Promise<unknown> {
    const own = owner(this)
    const key = plan.keyOf(own, args)
    return plan.cacheOf(own).getOrSet(key, computationOf(plan, own, args, key), plan.optionsOf(own, args))
  }
  Object.defineProperty(call, 'name', { value: plan.fn.name, configurable: true })
  wrappers.add(call)
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
      return refresh(plan.cacheOf(own), key, computationOf(plan, own, args, key), plan.optionsOf(own, args))
    },
    uncached(this: unknown, ...args: unknown[]) {
      return plan.fn.apply(owner(this), args)
    },
  })
}

/** Computes although a value is stored, and stores the result as a fill. */
async function refresh(cache: Cache, key: string, compute: unknown, options: GetOrSetOptions): Promise<unknown> {
  const { filler, scope } = engineOf(cache) ?? (engineOf(cacheOn(foundationOf(cache))) as ScopedEngine)
  return (await filler.refresh(key, storedKey(scope, key), compute, options)).value
}
