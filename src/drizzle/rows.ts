/** Converts rows to text and back without loss: a hit must equal the driver's own rows. */
import { parse, stringify } from 'devalue'
import { UnserializableValueError } from '../values/errors.ts'

/** The rows of a select. Some drivers return the array itself, others an object that has it and more. */
export type DriverResult = readonly unknown[] | { readonly rows: readonly unknown[] }

/**
 * Converts a driver's result to text.
 *
 * @throws UnserializableValueError if a cell would come back changed (a class instance)
 */
export function rowsText(response: unknown): string {
  const isBare = Array.isArray(response)
  const rows: unknown = isBare ? [...response] : Reflect.get(Object(response), 'rows')
  if (!Array.isArray(rows)) throw new UnserializableValueError('Expected the driver to return rows, got none.')
  return valuesText({ isBare, rows })
}

/** The inverse. Each call returns a new result. @throws if the text is not one of {@link rowsText} */
export function rowsOf(text: string): DriverResult {
  const { isBare, rows } = valuesOf(text) as { isBare: boolean; rows: unknown[] }
  return isBare ? rows : { rows }
}

/**
 * Returns text that distinguishes values by type: `1` is not `'1'`.
 *
 * @throws UnserializableValueError, without any content: the serialiser's own error holds every row
 */
export function valuesText(values: unknown): string {
  try {
    return stringify(values, REDUCERS)
  } catch {
    throw new UnserializableValueError(
      'Expected plain objects, arrays, dates, maps, sets, bytes and primitives, got a value of another kind.',
    )
  }
}

/** The inverse. */
export function valuesOf(text: string): unknown {
  return parse(text, REVIVERS)
}

type Entries = readonly (readonly [string, unknown])[]

/** devalue calls these in order before it handles a value itself. A falsy result passes the value on. */
const REDUCERS = {
  Unknown: (value: unknown) => {
    if (typeof value === 'object' && value !== null && !isKnown(value)) throw new TypeError('A value of another kind.')
    return false
  },
  // devalue would turn a Buffer into a Uint8Array, but column mappers call methods that only a Buffer has.
  Buffer: (value: unknown) => isBuffer(value) && new Uint8Array(value),
  // devalue stores the whole memory under a view, which may hold the rows of other queries.
  View: (value: unknown) => isPartOfBuffer(value) && copyOf(value),
  // devalue refuses `__proto__` keys, but stored JSON may have them.
  Proto: (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, '__proto__') && {
      isBare: Object.getPrototypeOf(value) === null,
      entries: Object.entries(value),
    },
}

const REVIVERS = {
  Buffer: (bytes: Uint8Array) =>
    typeof Buffer === 'undefined' ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  View: (view: unknown) => view,
  Proto: ({ isBare, entries }: { isBare: boolean; entries: Entries }) => {
    const object: object = isBare ? Object.create(null) : {}
    // An assignment to `__proto__` would set the prototype.
    for (const [key, value] of entries) {
      Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
    }
    return object
  },
}

/**
 * The number of prototypes above each kind of value. A subclass has more, and would come back as its base class.
 * Prototypes are counted, not compared, because a value may come from another realm.
 */
const DEPTHS: ReadonlyMap<string, number> = new Map([
  ['Object', 1],
  ['Array', 2],
  ['Date', 2],
  ['Map', 2],
  ['Set', 2],
  ['ArrayBuffer', 2],
  ['DataView', 2],
])
const TYPED_ARRAY_DEPTH = 3

function isKnown(value: object): boolean {
  if (isBuffer(value)) return true
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  const depth = depthOf(value)
  // An object with a null prototype comes back with one.
  if (tag === 'Object') return depth <= 1
  // Refuse an array with extra properties, such as a driver's result.
  if (tag === 'Array' && Object.keys(value).length > (value as unknown[]).length) return false
  return depth === (DEPTHS.get(tag) ?? (ArrayBuffer.isView(value) ? TYPED_ARRAY_DEPTH : -1))
}

function depthOf(value: object): number {
  let depth = 0
  for (let above: unknown = Object.getPrototypeOf(value); above !== null; above = Object.getPrototypeOf(above)) depth++
  return depth
}

function isBuffer(value: unknown): value is Buffer {
  return typeof Buffer !== 'undefined' && value instanceof Buffer
}

function isPartOfBuffer(value: unknown): value is ArrayBufferView {
  return ArrayBuffer.isView(value) && value.byteLength !== value.buffer.byteLength
}

function copyOf(view: ArrayBufferView): ArrayBufferView {
  if (!(view instanceof DataView)) return (view as Uint8Array).slice()
  return new DataView(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength))
}
