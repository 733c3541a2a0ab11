/**
 * Copies of decoded JSON, for values that are read again and again.
 *
 * Copying takes a quarter of the time of `JSON.parse` or less, and the copy cannot be told from what `JSON.parse` makes.
 * Objects are copied by spreads, which take over the engine's layout of an object as a whole. A spread defines fields, so a field
 * named `__proto__` stays a field, and setters that a program put on `Object.prototype` are never called.
 *
 * Rejected: handing out one frozen value, because callers may change what they got. Proxies that copy on the first access,
 * because `structuredClone` refuses them and each access costs more than the copy saves. `structuredClone`, which takes twice as
 * long as parsing. Code that is compiled for a shape, because Workers forbid `new Function`.
 */
import { utf8Bytes } from './events.ts'

/** Copies recursively, so it must stay clear of the end of the stack. Deeper values are parsed, which needs no stack. */
const MAX_DEPTH = 64
/** Copies of longer texts would take megabytes. They are not made, because a store would refuse them. */
const MAX_LENGTH = 1024 * 1024

// Measured with Node 20 and 24, and rounded up. The characters of keys and values are those of the text.
const VALUE_BYTES = 96
const CONTAINER_BYTES = 128
const ITEM_BYTES = 8
const FIELD_BYTES = 16
/** V8 keeps an object of more fields in a hash table. */
const MAX_FIELDS_IN_LAYOUT = 1_000
const HASHED_FIELD_BYTES = 48

/** The decoded form of a JSON text, of which any number of values can be made. */
export class JsonCopies {
  readonly text: string
  /** An estimate of the memory that this takes beside the text. */
  readonly bytes: number
  readonly #value: unknown
  readonly #template: Template | undefined

  private constructor(text: string, value: unknown, template: Template | undefined, bytes: number) {
    this.text = text
    this.bytes = bytes
    this.#value = value
    this.#template = template
  }

  /**
   * @param value what `JSON.parse` makes of the text; it belongs to the copies from now on
   * @returns undefined if the value is too large or nested too deeply
   */
  static of(text: string, value: unknown): JsonCopies | undefined {
    if (typeof value === 'string') return JsonCopies.#ofString(text, value)
    if (typeof value !== 'object' || value === null) return new JsonCopies(text, value, undefined, VALUE_BYTES)
    if (text.length > MAX_LENGTH) return undefined
    const size = { bytes: VALUE_BYTES + utf8Bytes(text) }
    const template = templateOf(value, size, 1)
    return template && new JsonCopies(text, undefined, template, size.bytes)
  }

  /** V8 and JavaScriptCore keep a slice as a reference to the text, so a long string without escapes takes no memory. */
  static #ofString(text: string, value: string): JsonCopies {
    const slice = text.slice(1, -1)
    return slice === value
      ? new JsonCopies(text, slice, undefined, VALUE_BYTES)
      : new JsonCopies(text, value, undefined, VALUE_BYTES + utf8Bytes(value))
  }

  /** A value of the caller's own. Strings and other primitives need no copy. */
  make(): unknown {
    return this.#template === undefined ? this.#value : this.#template.copy()
  }
}

/** An object or array that is never handed out. */
interface Template {
  copy(): object
}

type Container = Record<string | number, unknown>

// One class for each kind, because the engine remembers only a few layouts for each place in the code.

class FlatObject implements Template {
  readonly #fields: object
  constructor(fields: object) {
    this.#fields = fields
  }
  copy(): object {
    return { ...this.#fields }
  }
}

class FlatArray implements Template {
  readonly #items: readonly unknown[]
  constructor(items: readonly unknown[]) {
    this.#items = items
  }
  copy(): object {
    return this.#items.slice()
  }
}

class DeepObject implements Template {
  readonly #fields: object
  readonly #keys: readonly (string | number)[]
  readonly #parts: readonly Template[]
  constructor(fields: object, keys: readonly (string | number)[], parts: readonly Template[]) {
    this.#fields = fields
    this.#keys = keys
    this.#parts = parts
  }
  copy(): object {
    const copy: Container = { ...this.#fields }
    const keys = this.#keys
    const parts = this.#parts
    // The fields are the copy's own, so even `__proto__` is an ordinary one here.
    for (let i = 0; i < keys.length; i++) copy[keys[i] as string] = (parts[i] as Template).copy()
    return copy
  }
}

class DeepArray implements Template {
  readonly #items: readonly unknown[]
  readonly #keys: readonly (string | number)[]
  readonly #parts: readonly Template[]
  constructor(items: readonly unknown[], keys: readonly (string | number)[], parts: readonly Template[]) {
    this.#items = items
    this.#keys = keys
    this.#parts = parts
  }
  copy(): object {
    const copy = this.#items.slice()
    const keys = this.#keys
    const parts = this.#parts
    for (let i = 0; i < keys.length; i++) copy[keys[i] as number] = (parts[i] as Template).copy()
    return copy
  }
}

/** Undefined if the value is nested too deeply. */
function templateOf(value: object, size: { bytes: number }, depth: number): Template | undefined {
  if (depth > MAX_DEPTH) return undefined
  const isArray = Array.isArray(value)
  const names = isArray ? [...value.keys()] : Object.keys(value)
  const keys: (string | number)[] = []
  const parts: Template[] = []
  size.bytes += CONTAINER_BYTES + names.length * (isArray ? ITEM_BYTES : fieldBytes(names.length))
  for (const name of names) {
    const field = (value as Container)[name]
    if (typeof field !== 'object' || field === null) continue
    const part = templateOf(field, size, depth + 1)
    if (part === undefined) return undefined
    keys.push(name)
    parts.push(part)
  }
  if (parts.length === 0) return isArray ? new FlatArray(value) : new FlatObject(value)
  // Arrays that grew have room to spare; these are kept for long.
  return isArray
    ? new DeepArray(value, keys.slice(), parts.slice())
    : new DeepObject(value, keys.slice(), parts.slice())
}

function fieldBytes(fields: number): number {
  return fields > MAX_FIELDS_IN_LAYOUT ? HASHED_FIELD_BYTES : FIELD_BYTES
}
