/**
 * Arguments as text: the same text only for the same arguments.
 *
 * JSON where JSON is exact, and a notation of its own for what JSON loses: `undefined`, `NaN`, `-0`, `5n`, `Date:0`,
 * `Map:[…]`, `Set:[…]`, `empty` for a hole. No parenthesis and no `#` stands outside of a string's quotes, so that a key
 * made of it can be taken apart in one way only.
 *
 * A function can read more of an object than its text has: hidden and inherited fields, symbols, fields of an array. Two arguments
 * that differ only in these would share a key, so they are refused.
 */
import { describeType, InvalidKeyError } from '../values/errors.ts'

/** Deeper than data, and shallower than the stack. */
const MAX_DEPTH = 200

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
  const text = (item: unknown) => textOf(item, inner)
  const list = (items: Iterable<unknown>) => Array.from(items, text).join(',')
  switch (classOf(value)) {
    case 'Object':
      return `{${fieldsText(value, text)}}`
    case 'Array':
      if (!Array.isArray(value)) break
      return `[${arrayText(value, text)}]`
    case 'Date':
      return `Date:${builtIn(value, () => Date.prototype.getTime.call(value))}`
    case 'Map':
      return `Map:[${list(builtIn(value, () => Map.prototype.entries.call(value as Map<unknown, unknown>)))}]`
    case 'Set':
      return `Set:[${list(builtIn(value, () => Set.prototype.values.call(value as Set<unknown>)))}]`
  }
  throw unsupported('an instance of a class')
}

type Class = 'Object' | 'Array' | 'Date' | 'Map' | 'Set'

const OWN_PROTOTYPES: ReadonlyMap<unknown, Class> = new Map<unknown, Class>([
  [null, 'Object'],
  [Object.prototype, 'Object'],
  [Array.prototype, 'Array'],
  [Date.prototype, 'Date'],
  [Map.prototype, 'Map'],
  [Set.prototype, 'Set'],
])
/** The text of a class that the language brings. A program's own class shows its source. */
const NATIVE = /^function (Object|Array|Date|Map|Set)\(\) \{\s*\[native code\]\s*\}$/

/**
 * The class whose prototype the object has, and nothing between. Undefined for an instance of any other class, also of one that
 * extends null, and for an object that inherits fields.
 */
function classOf(value: object): Class | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  const own = OWN_PROTOTYPES.get(prototype)
  if (own !== undefined) return own
  // The object may come from another realm, such as a test's.
  const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  if (typeof maker !== 'function' || maker.prototype !== prototype) return undefined
  return NATIVE.exec(Function.prototype.toString.call(maker))?.[1] as Class | undefined
}

/** The content of a Date, Map or Set, by a method that refuses what only has its prototype. */
function builtIn<T>(value: object, contentOf: () => T): T {
  if (Reflect.ownKeys(value).length > 0) throw hidden('fields beside its content')
  try {
    return contentOf()
  } catch {
    throw unsupported('an instance of a class')
  }
}

function arrayText(array: readonly unknown[], text: (item: unknown) => string): string {
  for (const key of Reflect.ownKeys(array)) {
    // `match` answers with such an array, and a template's strings have `raw`.
    if (key !== 'length' && !isPlace(key, array.length)) throw hidden('fields beside its items')
  }
  // Array.from would take a hole for an undefined.
  return Array.from({ length: array.length }, (_, i) => (Object.hasOwn(array, i) ? text(array[i]) : 'empty')).join(',')
}

/** True for an index as the language writes it: `1`, but not `01`. */
function isPlace(key: string | symbol, length: number): boolean {
  const place = Number(typeof key === 'string' ? key : Number.NaN)
  return String(place) === key && Number.isInteger(place) && place >= 0 && place < length
}

/** In an order of their own: `{ a, b }` and `{ b, a }` are the same argument. */
function fieldsText(object: object, text: (item: unknown) => string): string {
  const names = Object.keys(object)
  if (Reflect.ownKeys(object).length > names.length) throw hidden('fields that are hidden or named by symbols')
  return names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${text(Reflect.get(object, name))}`)
    .join(',')
}

const hidden = (what: string): InvalidKeyError => unsupported(`an object with ${what}`)

function unsupported(what: string): InvalidKeyError {
  return new InvalidKeyError(
    `Expected arguments of JSON, undefined, NaN, bigint, Date, Map and Set, got ${what}. ` +
      'Give the option `key` a function that makes a key of such arguments.',
  )
}
