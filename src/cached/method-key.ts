/**
 * The default prefix of a decorated method's keys: `Users.find`, `Admins extends Users.find` if a subclass inherits the
 * method, `static Users.count`.
 *
 * It contains the class that defined the method, because an override and the method that it calls through `super` have
 * the same name and `this`. It also contains the class of `this`, because the method may depend on what a subclass
 * changes.
 */
import { InvalidOptionError } from '../values/errors.ts'
import { checkedName, digest, isMinified } from './default-key.ts'
import type { AnyFunction } from './plan.ts'

/** The part of the decorator's context that a key needs. */
export type MethodContext = Pick<ClassMethodDecoratorContext, 'name' | 'static' | 'private'>

export interface MethodKey {
  /** Returns the prefix for a `this`. @throws InvalidOptionError */
  prefixFor(self: unknown): string
  /** Records an owner. Call it for each object that has the method, and for the class of a static method. */
  noteOwner(self: object): void
}

/** A class name without spaces and dots. Otherwise two classes and methods could have the same prefix. */
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u

/** For each prototype, the cached methods of its objects, by the method's name. */
const cachedMethods = new WeakMap<object, Map<string, Set<AnyFunction>>>()

/** @param decorated returns the function that the class has, unless another decorator wrapped it */
export function methodKey(method: AnyFunction, context: MethodContext, decorated: () => AnyFunction): MethodKey {
  const name = String(context.name)
  // A private name begins with #, so quote a public name that begins with #.
  const text = !context.private && /^[#"]/.test(name) ? JSON.stringify(name) : name
  const prefixes = new WeakMap<object, string>()
  /** The class of a static method. */
  let home: AnyFunction | undefined

  function prefixOf(type: AnyFunction, definer: AnyFunction): string {
    const classes = [...new Set([type, definer])]
    const names = classes.map(classNameOf)
    const minified = classes.filter((_, i) => isMinified(names[i] ?? ''))
    const suffix = minified.length === 0 ? '' : digest(method, ...minified)
    return `${context.static ? 'static ' : ''}${names.join(' extends ')}.${text}${suffix}`
  }

  function definerOn(prototype: object): AnyFunction | undefined {
    if (context.private) return undefined
    for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
      if (Object.getOwnPropertyDescriptor(at, name)?.value === decorated()) return classOf(at)
    }
    return undefined
  }

  /**
   * Checks that the objects of a prototype have no other cached method of this name.
   *
   * The class of a private method, or of a method that another decorator wrapped, cannot be found. The class of `this`
   * takes its place. That is safe only if no other method has the same name.
   */
  function checkUnique(prototype: object): void {
    const methods = cachedMethods.get(prototype)?.get(name)
    if (methods?.size === 1 && methods.has(decorated())) return
    throw new InvalidOptionError(
      'Expected the option key for a method whose class is unknown. It is private or wrapped and a subclass has it too, or it was called on another object.',
    )
  }

  function objectPrefix(prototype: object): string {
    const type = classOf(prototype)
    const definer = definerOn(prototype)
    if (definer !== undefined) return remember(prototype, prefixOf(type, definer))
    // Do not remember this prefix: the object may be under construction, and get another method of this name later.
    checkUnique(prototype)
    return prefixOf(type, type)
  }

  function remember(place: object, prefix: string): string {
    prefixes.set(place, prefix)
    return prefix
  }

  return {
    prefixFor(self) {
      if (self === undefined || self === null) throw withoutClass()
      const isStatic = context.static && typeof self === 'function'
      const place: object | null = isStatic ? self : Object.getPrototypeOf(self)
      if (place === null) throw withoutClass()
      const known = prefixes.get(place)
      if (known !== undefined) return known
      if (!isStatic) return objectPrefix(place)
      return remember(place, prefixOf(self as AnyFunction, home ?? (self as AnyFunction)))
    },
    noteOwner(self) {
      if (context.static) {
        home = self as AnyFunction
        return
      }
      const prototype: object = Object.getPrototypeOf(self)
      const methods = cachedMethods.get(prototype) ?? new Map<string, Set<AnyFunction>>()
      cachedMethods.set(prototype, methods.set(name, (methods.get(name) ?? new Set()).add(decorated())))
    },
  }
}

function classOf(prototype: object): AnyFunction {
  const type: unknown = Reflect.get(prototype, 'constructor')
  if (typeof type !== 'function') throw withoutClass()
  return type as AnyFunction
}

/** Returns the name of a class. A static member `name` replaces the real name, so it is checked. */
function classNameOf(type: AnyFunction): string {
  const name = checkedName(type.name, 'a method of a class')
  if (!IDENTIFIER.test(name)) throw withoutClass()
  return name
}

function withoutClass(): InvalidOptionError {
  return new InvalidOptionError('Expected the option key for a method of an object whose class has no name.')
}
