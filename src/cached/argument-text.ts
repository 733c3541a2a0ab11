/**
 * Writes arguments as text. Different arguments never have the same text.
 *
 * The text is JSON if JSON is exact. Values that JSON loses have their own notation: `undefined`, `NaN`, `-0`, `5n`,
 * `Date:0`, `Map:[…]`, `Set:[…]`, and `empty` for a hole. Parentheses and `#` occur only inside of quotes, so that a
 * key that contains the text is unambiguous.
 *
 * A function can read parts of an object that are not in its text: hidden and inherited fields, symbols, fields of an
 * array. Two arguments that differ only in such parts would share a key, so such objects are refused.
 */
import { describeType, InvalidKeyError } from '../values/errors.ts'

/** Real data is not nested as deeply, and the stack can hold this depth. */
const MAX_DEPTH = 200

/** @throws InvalidKeyError if an argument has no unique text */
export function argumentText(args: readonly unknown[]): string {
  return args.map((argument) => textOf(argument, [])).join(',')
}

function textOf(value: unknown, parents: readonly object[]): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (value === null || value === undefined || typeof value === 'boolean') return String(value)
  if (typeof value === 'object') return objectText(value, parents)
  throw unsupportedError(describeType(value))
}

function objectText(value: object, parents: readonly object[]): string {
  if (parents.includes(value)) throw unsupportedError('an object that holds itself')
  if (parents.length === MAX_DEPTH) throw unsupportedError(`objects nested more than ${MAX_DEPTH} deep`)
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
      return `Date:${readBuiltIn(value, () => Date.prototype.getTime.call(value))}`
    case 'Map':
      return `Map:[${list(readBuiltIn(value, () => Map.prototype.entries.call(value as Map<unknown, unknown>)))}]`
    case 'Set':
      return `Set:[${list(readBuiltIn(value, () => Set.prototype.values.call(value as Set<unknown>)))}]`
  }
  throw unsupportedError('an instance of a class')
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
/** The text of a built-in class. A program's own class shows its source. */
const NATIVE = /^function (Object|Array|Date|Map|Set)\(\) \{\s*\[native code\]\s*\}$/

/**
 * Returns the built-in class if the object is a direct instance. Returns undefined for an instance of any other class,
 * even of a class that extends null, and for an object that inherits fields.
 */
function classOf(value: object): Class | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  const own = OWN_PROTOTYPES.get(prototype)
  if (own !== undefined) return own
  // The object may come from another realm, such as the sandbox of a test.
  const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  if (typeof maker !== 'function' || maker.prototype !== prototype) return undefined
  return NATIVE.exec(Function.prototype.toString.call(maker))?.[1] as Class | undefined
}

/** Reads the content of a Date, Map or Set. The method `contentOf` throws for an object that only has its prototype. */
function readBuiltIn<T>(value: object, contentOf: () => T): T {
  if (Reflect.ownKeys(value).length > 0) throw hiddenPartsError('fields beside its content')
  try {
    return contentOf()
  } catch {
    throw unsupportedError('an instance of a class')
  }
}

function arrayText(array: readonly unknown[], text: (item: unknown) => string): string {
  for (const key of Reflect.ownKeys(array)) {
    // For example, `match` returns an array with extra fields, and the strings of a template have `raw`.
    if (key !== 'length' && !isIndex(key, array.length)) throw hiddenPartsError('fields beside its items')
  }
  // Check for holes, because Array.from reads a hole as undefined.
  return Array.from({ length: array.length }, (_, i) => (Object.hasOwn(array, i) ? text(array[i]) : 'empty')).join(',')
}

/** True for an index in canonical form: `1`, but not `01`. */
function isIndex(key: string | symbol, length: number): boolean {
  const index = Number(typeof key === 'string' ? key : Number.NaN)
  return String(index) === key && Number.isInteger(index) && index >= 0 && index < length
}

/** Writes the fields in sorted order, because `{ a, b }` and `{ b, a }` are the same argument. */
function fieldsText(object: object, text: (item: unknown) => string): string {
  const names = Object.keys(object)
  if (Reflect.ownKeys(object).length > names.length)
    throw hiddenPartsError('fields that are hidden or named by symbols')
  return names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${text(Reflect.get(object, name))}`)
    .join(',')
}

const hiddenPartsError = (what: string): InvalidKeyError => unsupportedError(`an object with ${what}`)

function unsupportedError(what: string): InvalidKeyError {
  return new InvalidKeyError(
    `Expected arguments of JSON, undefined, NaN, bigint, Date, Map and Set, got ${what}. ` +
      'Set the option `key` to a function that makes a key from such arguments.',
  )
}
