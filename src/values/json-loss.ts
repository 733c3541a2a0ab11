/** Finds data that `JSON.stringify` would silently lose, such as a Map that it turns into `{}`. */

import { ignoreRejection, isThenable } from './promises.ts'

/** A longer description omits further containers. */
const MAX_DESCRIPTION = 100
/** JSON writes these objects as the primitive that they contain. */
const BOXED = new Set(['Number', 'String', 'Boolean'])
/** These are refused even if they have fields, because JSON would keep only the fields. */
const NOT_DATA = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'RegExp', 'Error', 'Promise', 'ArrayBuffer'])

/**
 * Describes the first part of a value that JSON would lose, by type: `a Map in an object`. Undefined if JSON loses
 * nothing.
 *
 * Call it after `JSON.stringify` has succeeded, because it does not look for cycles. A `toJSON` method or a getter runs
 * a second time. Rejected: a replacer function, which makes `JSON.stringify` take twice as long (this check adds a
 * tenth).
 */
export function jsonLoss(value: unknown): string | undefined {
  try {
    return typeof value === 'object' && value !== null ? lossOf(value) : undefined
  } catch (error) {
    // `JSON.stringify` needs less stack per level, so it accepts values that are too deep for this check.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function lossOf(value: object): string | undefined {
  if (Array.isArray(value)) return lossOfItems(value)
  // Probably somebody forgot to await it. Check it before its fields, because a Drizzle query has fields.
  if (isThenable(value)) {
    // The caller gets an error. An unhandled rejection of the promise would also end the process.
    ignoreRejection(value)
    return 'a Promise'
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return lossOfJson(value as { toJSON(): unknown })
  return isPlain(value) ? lossOfFields(value) : lossOfInstance(value)
}

function lossOfItems(items: readonly unknown[]): string | undefined {
  let isKept = items.length === 0
  for (const item of items) {
    if (typeof item === 'object' && item !== null) {
      const loss = lossOf(item)
      if (loss !== undefined) return within(loss, 'an array')
    }
    if (typeof item !== 'function' && typeof item !== 'symbol') isKept = true
  }
  return isKept ? undefined : 'an array of nothing but functions and symbols'
}

function lossOfFields(fields: object): string | undefined {
  let isKept = false
  let isLost = false
  // `for in` takes half as long as `Object.keys`. A plain object inherits nothing enumerable, so both yield the same.
  for (const name in fields) {
    const field = (fields as Record<string, unknown>)[name]
    if (typeof field === 'object' && field !== null) {
      const loss = lossOf(field)
      if (loss !== undefined) return within(loss, 'an object')
      isKept = true
    } else if (typeof field === 'function' || typeof field === 'symbol') isLost = true
    else if (field !== undefined) isKept = true
  }
  if (isKept) return undefined
  if (isLost) return 'an object of nothing but functions and symbols'
  return hasSymbolKeys(fields) ? 'an object with nothing but symbols as keys' : undefined
}

function lossOfInstance(value: object): string | undefined {
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1)
  if (BOXED.has(name)) return undefined
  if (ArrayBuffer.isView(value) || NOT_DATA.has(name)) return withArticle(name)
  // JSON does not see private fields, accessors of the class, or internal data of the runtime.
  if (Object.keys(value).length === 0) return withArticle(name)
  return lossOfFields(value)
}

/** JSON serialises the result of `toJSON` in place of the value. Valid Dates and Buffers lose nothing. */
function lossOfJson(value: { toJSON(): unknown }): string | undefined {
  if (ArrayBuffer.isView(value)) return undefined
  const json = value.toJSON()
  // Check the tag, because the Date may come from another realm.
  if (json === null && Object.prototype.toString.call(value) === '[object Date]') return 'an invalid Date'
  if (typeof json !== 'object' || json === null) return undefined
  // JSON does not call a second `toJSON` on the result.
  if (Array.isArray(json)) return lossOfItems(json)
  return isPlain(json) ? lossOfFields(json) : lossOfInstance(json)
}

/** True for object literals, even from another realm, and for objects without a prototype. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

function hasSymbolKeys(value: object): boolean {
  return Object.getOwnPropertySymbols(value).some((symbol) => Object.prototype.propertyIsEnumerable.call(value, symbol))
}

/** Names a class by its `Symbol.toStringTag`, if that is the name of a global. Any other tag may contain data. */
function withArticle(name: string): string {
  const isBuiltIn = name !== 'Object' && typeof Reflect.get(globalThis, name) === 'function'
  if (!isBuiltIn) return 'an instance of a class without fields'
  return `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`
}

function within(loss: string, container: string): string {
  return loss.length > MAX_DESCRIPTION ? loss : `${loss} in ${container}`
}
