/** Converts values to their stored form: text from a codec, or a number. */
import { fromBase64, toBase64 } from './base64.ts'
import { isBytes } from './bytes.ts'
import { describeType, UnreadableValueError, UnserializableValueError, ValueTooLargeError } from './errors.ts'
import { jsonLoss } from './json-loss.ts'
import { ignoreRejection, isThenable } from './promises.ts'
import { withoutContent } from './redact.ts'

/**
 * Turns values into text and back.
 *
 * `key` is the entry's stored key, including the namespace. An encrypting codec can use it to bind a value to its
 * entry. Top-level numbers and `null` never reach a codec.
 */
export interface Codec {
  /**
   * Returns the text to store for a value. Throw an `UnserializableValueError` for a value that the codec cannot keep.
   */
  encode(value: unknown, context: { key: string }): string | Promise<string>
  /**
   * Returns the value of a text that `encode` made, or a promise of the value. Readers never share an object, so the
   * result must be new each time.
   */
  decode(text: string, context: { key: string }): unknown
  /**
   * Returns a text that replaces the given text in comparisons. It must always be the same for the same text and key. A
   * codec that hides values must derive it with its secret. A codec that hides nothing may return the text itself.
   *
   * Optional. With it, the database compares the digests of entity tags, and does not send a response that the client
   * already has. Without it, the database sends the response, and the client still gets a 304.
   */
  digest?(text: string, context: { key: string }): string | Promise<string>
}

/** The beginning of a text that encodes bytes. No JSON begins with a b. */
const BYTES = 'bytes:'

const NUMBER_AT_START = /^[-\d]/

/** The two value columns of an entry. If both are null, the value is a stored null. */
export interface StoredValue {
  /** The codec's text. Null if `number` holds the value, or if the value is null. */
  readonly value: string | null
  /** A top-level number in decimal, which counters can change. Null for all other values. */
  readonly number: string | null
}

/** 32 MiB. Escaped once more for the request, this stays within Neon's 64 MB unless the text is made of quotes. */
export const DEFAULT_MAX_VALUE_BYTES = 32 * 1024 * 1024

/**
 * The default codec: JSON, as `JSON.stringify` defines it, and bytes.
 *
 * A `Uint8Array` or a `Buffer` is decoded to a `Uint8Array`. It is stored in base64, which takes a third more. Over
 * HTTP, a `bytea` would take twice its size. Bytes inside of an object or array are refused; `devalueCodec` accepts
 * them.
 *
 * A Date is decoded to a string, and `undefined` fields are dropped. Values whose content JSON would lose are refused:
 * a Map, a Set, a RegExp, an Error, a Promise, or an instance of a class without fields.
 */
export const jsonCodec: Codec = {
  encode(value) {
    if (isBytes(value)) return BYTES + toBase64(value)
    const text: string | undefined = JSON.stringify(value)
    if (text === undefined) {
      throw new UnserializableValueError(`Expected a value that JSON can hold, got ${describeType(value)}.`)
    }
    const loss = jsonLoss(value)
    if (loss !== undefined) {
      const remedy = loss.startsWith('a Promise') ? 'Await it' : 'Convert it to plain data, or use devalueCodec'
      throw new UnserializableValueError(
        `Expected a value that JSON can hold, got ${loss}, whose content JSON would lose. ${remedy}.`,
      )
    }
    return text
  },
  decode: (text) => (isBytesText(text) ? fromBase64(text.slice(BYTES.length)) : JSON.parse(text)),
  digest: (text) => text,
}

/** True if the default codec made this text from bytes. */
export function isBytesText(text: string): boolean {
  return text.startsWith(BYTES)
}

/**
 * Encodes a value, before any request.
 *
 * @throws UnserializableValueError, ValueTooLargeError
 */
export async function encodeValue(
  value: unknown,
  key: string,
  { codec, maxValueBytes }: { codec: Codec; maxValueBytes: number },
): Promise<StoredValue> {
  if (value === null) return { value: null, number: null }
  if (value === undefined) {
    throw new UnserializableValueError('Expected a value, got undefined, which means a miss; null can be stored.')
  }
  if (isThenable(value)) {
    // The caller gets the error below. An unhandled rejection of the promise would also end the process.
    ignoreRejection(value)
    throw new UnserializableValueError('Expected a value, got a Promise. Await it.')
  }
  if (typeof value === 'number') return { value: null, number: numberText(value) }
  const text = await encodeText(value, key, codec)
  // A boxed primitive or `toJSON` can yield a number. Stored as text, it would read the same but could not be
  // incremented.
  if (codec === jsonCodec) {
    if (text === 'null') return { value: null, number: null }
    if (NUMBER_AT_START.test(text)) return { value: null, number: text }
  }
  // A UTF-16 unit takes at most three bytes, so most values are small enough without counting.
  if (text.length * 3 > maxValueBytes) {
    const bytes = new TextEncoder().encode(text).length
    if (bytes > maxValueBytes) throw new ValueTooLargeError(bytes, maxValueBytes)
  }
  return { value: text, number: null }
}

/** @throws UnreadableValueError */
export async function decodeValue(stored: StoredValue, key: string, codec: Codec): Promise<unknown> {
  if (stored.number !== null) return Number(stored.number)
  if (stored.value === null) return null
  try {
    return await codec.decode(stored.value, { key })
  } catch (error) {
    throw new UnreadableValueError({ cause: withoutContent(error) })
  }
}

async function encodeText(value: unknown, key: string, codec: Codec): Promise<string> {
  let text: unknown
  try {
    text = await codec.encode(value, { key })
  } catch (error) {
    if (error instanceof UnserializableValueError) throw error
    throw new UnserializableValueError(
      `Expected a value that the codec can encode, got ${describeType(value)}${typeof value === 'object' ? ' that it refuses (JSON takes no bigint and no cycle)' : ''}.`,
      {
        cause: withoutContent(error),
      },
    )
  }
  if (typeof text !== 'string') {
    throw new UnserializableValueError(`Expected the codec to encode to a string, got ${describeType(text)}.`)
  }
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new UnserializableValueError('Expected the codec to encode to text without U+0000 and lone surrogates.')
  }
  return text
}

function numberText(value: number): string {
  if (!Number.isFinite(value))
    throw new UnserializableValueError(`Expected a finite number, got ${describeType(value)}.`)
  return String(value)
}
