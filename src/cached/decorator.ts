/** `@cached`: a standard decorator for methods and static methods. */
import { InvalidOptionError } from '../values/errors.ts'
import { methodKey } from './method-key.ts'
import { type AnyFunction, type CachedOptions, planOf } from './plan.ts'
import { wrapFunction } from './wrapped.ts'

export function decorator(options: CachedOptions | undefined) {
  return (method: AnyFunction, context: ClassMethodDecoratorContext): AnyFunction => {
    if (context?.kind !== 'method') {
      throw new InvalidOptionError('Expected @cached() on a method or a static method.')
    }
    const { name } = context
    if (typeof name === 'symbol' && options?.key === undefined) {
      throw new InvalidOptionError('Expected the option key for a method that is named by a symbol.')
    }
    const { prefixFor, noteOwner } = methodKey(method, context, () => shared)
    const plan = planOf(method, options, prefixFor)
    const shared = wrapFunction(plan)
    context.addInitializer(function (this: unknown) {
      noteOwner(this as object)
      // A subclass that overrides the method keeps its override.
      if (context.private || Reflect.get(this as object, name) !== shared) return
      const value = wrapFunction(plan, this)
      Object.defineProperty(this, name, { value, configurable: true, writable: true, enumerable: false })
    })
    return shared
  }
}
