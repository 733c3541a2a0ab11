/**
 * Copies decoded JSON, for values that are read repeatedly.
 *
 * Copying takes at most a quarter of the time of `JSON.parse`, and the copy is the same as the result of `JSON.parse`.
 * A spread copies an object, and reuses the engine's layout of the whole object. It defines fields, so a field named
 * `__proto__` stays a field, and setters that a program put on `Object.prototype` are never called.
 *
 * Rejected:
 *
 * - One frozen value for all callers, because callers may change the values that they get.
 * - Proxies that copy on the first access. `structuredClone` refuses them, and each access costs more than the copy
 *   saves.
 * - `structuredClone`, because it takes twice as long as parsing.
 * - Code that is compiled for a shape, because Workers forbid `new Function`.
 */
import { utf8Bytes } from './events.ts'

/**
 * The copies are recursive, so the depth must not overflow the stack. Deeper values are parsed, which needs no stack.
 */
const MAX_DEPTH = 64
/** A copy of a longer text would take megabytes. It is not made, because a store would refuse it. */
const MAX_LENGTH = 1024 * 1024

// Measured with Node 20 and 24, and rounded up. The size of the text stands for the characters of keys and values.
const VALUE_BYTES = 96
const CONTAINER_BYTES = 128
const ITEM_BYTES = 8
const FIELD_BYTES = 16
/** V8 stores an object with more fields in a hash table. */
const MAX_FIELDS_IN_LAYOUT = 1_000
const HASHED_FIELD_BYTES = 48

/** The decoded form of a JSON text, from which any number of values can be made. */
export class JsonCopies {
  readonly text: string
  /** The estimated memory that this takes besides the text. */
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
   * @param value the result of `JSON.parse`, which the caller must not use afterwards
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

  /**
   * V8 and JavaScriptCore store a slice as a reference to the text, so a long string without escapes takes no memory.
   */
  static #ofString(text: string, value: string): JsonCopies {
    const slice = text.slice(1, -1)
    return slice === value
      ? new JsonCopies(text, slice, undefined, VALUE_BYTES)
      : new JsonCopies(text, value, undefined, VALUE_BYTES + utf8Bytes(value))
  }

  /** Makes a new value for a caller. Strings and other primitives need no copy. */
  make(): unknown {
    return this.#template === undefined ? this.#value : this.#template.copy()
  }
}

/** An object or array that callers never get themselves, only copies of it. */
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
    // The spread defined all fields on the copy, so even `__proto__` is an ordinary field here.
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

/** Makes a template. Returns undefined if the value is nested too deeply. */
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
  // Arrays that grew have spare room. Slice them, because they are kept for long.
  return isArray
    ? new DeepArray(value, keys.slice(), parts.slice())
    : new DeepObject(value, keys.slice(), parts.slice())
}

function fieldBytes(fields: number): number {
  return fields > MAX_FIELDS_IN_LAYOUT ? HASHED_FIELD_BYTES : FIELD_BYTES
}
