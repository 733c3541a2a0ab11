/**
 * Arguments as text: the same text only for the same arguments.
 *
 * JSON where JSON is exact, and a notation of its own for what JSON loses: `undefined`, `NaN`, `-0`, `5n`, `Date:0`,
 * `Map:[…]`, `Set:[…]`, `empty` for a hole. No parenthesis and no `#` stands outside of a string's quotes, so that a key
 * made of it can be taken apart in one way only.
 */
import { describeType, InvalidKeyError } from '../values/errors.ts'

/** Deeper than data, and shallower than the stack. */
const MAX_DEPTH = 200
/** Links from a value to the end of its prototypes: a plain object has one, a Date two, an instance of a class two. */
const PLAIN = 1
const BUILT_IN = 2
const PLACE = /^\d+$/

/** @throws InvalidKeyError where an argument has no text that only it has */
export function argumentText(args: readonly unknown[]): string {
  return args.map((argument) => textOf(argument, [])).join(',')
}

function textOf(value: unknown, parents: readonly object[]): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (value === null || value === undefined || typeof value === 'boolean') return String(value)
  if (typeof value === 'object') return objectText(value, parents)
  throw unsupported(describeType(value))
}

function objectText(value: object, parents: readonly object[]): string {
  if (parents.includes(value)) throw unsupported('an object that holds itself')
  if (parents.length === MAX_DEPTH) throw unsupported(`objects nested more than ${MAX_DEPTH} deep`)
  const inner = [...parents, value]
  const list = (items: Iterable<unknown>) => Array.from(items, (item) => textOf(item, inner)).join(',')
  const tag = Object.prototype.toString.call(value)
  const depth = prototypes(value)
  // Fields of its own its text would not have.
  const isBuiltIn = depth === BUILT_IN && !hasOwnField(value)
  if (Array.isArray(value) && isBuiltIn) return `[${arrayText(value, (item) => textOf(item, inner))}]`
  if (depth <= PLAIN) return `{${fieldsText(value, (item) => textOf(item, inner))}}`
  try {
    // By their own methods, which refuse what only looks like one; a subclass is an instance of somebody's class.
    if (tag === '[object Date]' && isBuiltIn) return `Date:${Date.prototype.getTime.call(value)}`
    if (tag === '[object Map]' && isBuiltIn) return `Map:[${list(entriesOf(value))}]`
    if (tag === '[object Set]' && isBuiltIn) return `Set:[${list(Set.prototype.values.call(value))}]`
  } catch (error) {
    if (error instanceof InvalidKeyError) throw error
  }
  const isArray = Array.isArray(value) && depth === BUILT_IN
  throw unsupported(isArray ? 'an array with fields of its own' : 'an instance of a class')
}

function entriesOf(map: object): Iterable<unknown> {
  return Map.prototype.entries.call(map as Map<unknown, unknown>)
}

function arrayText(array: readonly unknown[], text: (item: unknown) => string): string {
  // Array.from would take a hole for an undefined.
  return Array.from({ length: array.length }, (_, i) => (i in array ? text(array[i]) : 'empty')).join(',')
}

/** As the array that `match` answers with has them: named ones come after the places. */
function hasOwnField(value: object): boolean {
  const last = Object.keys(value).at(-1)
  return last !== undefined && !(Array.isArray(value) && PLACE.test(last))
}

/** In an order of their own: `{ a, b }` and `{ b, a }` are the same argument. */
function fieldsText(object: object, text: (item: unknown) => string): string {
  if (Object.getOwnPropertySymbols(object).length > 0) throw unsupported('an object with symbols as keys')
  return Object.keys(object)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${text(Reflect.get(object, name))}`)
    .join(',')
}

// Counted and not compared, because an object may come from another realm.
function prototypes(value: object): number {
  let count = 0
  for (let at = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at)) count++
  return count
}

function unsupported(what: string): InvalidKeyError {
  return new InvalidKeyError(
    `Expected arguments of JSON, undefined, NaN, bigint, Date, Map and Set, got ${what}. ` +
      'Give the option `key` a function that makes a key of such arguments.',
  )
}
