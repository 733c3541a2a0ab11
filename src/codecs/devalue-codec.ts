/** `devalueCodec`: encodes Dates, Maps, Sets, bigints, bytes and cycles, which JSON loses. */
import { parse, stringify } from 'devalue'
import type { Codec } from '../values/codec.ts'
import { describeType, UnserializableValueError } from '../values/errors.ts'
import { withoutContent } from '../values/redact.ts'

/**
 * Marks the texts of this codec. Without the mark, this codec would decode `[5,6]` of the JSON codec to another value,
 * and the other way round. With it, neither codec can decode the texts of the other.
 */
const MARK = 'devalue:'

/**
 * A codec that keeps more types than JSON: Dates, Maps, Sets, bigints, RegExps, URLs, typed arrays and ArrayBuffers.
 * Inside of objects and arrays, it also keeps `undefined`, NaN, -0, holes, cycles, and objects that occur twice.
 *
 * It refuses functions, symbols, Promises, keys named `__proto__`, and instances of classes, including Errors and
 * objects with a `toJSON` method. A Buffer is decoded to a `Uint8Array`. A `URL` needs a runtime that has `URL`.
 * Encoding and decoding take a few times as long as JSON. Top-level numbers and `null` never reach a codec, so -0
 * becomes 0.
 *
 * `encode` throws UnserializableValueError.
 *
 * @example
 * const cache = createCache(db, { codec: devalueCodec })
 * const user = await cache.getOrSet<User, User>('user:42', loadUser) // Dates stay Dates
 */
export const devalueCodec: Codec = {
  encode(value) {
    // A stored undefined would look like a miss.
    if (value === undefined) throw unserializable('undefined, which means a miss; null can be stored')
    try {
      return MARK + stringify(value)
    } catch (error) {
      // Remove the content: a DevalueError carries the whole value, the refused part, and the path to it.
      throw unserializable(describeType(refusedPart(error, value)), withoutContent(error))
    }
  },
  decode(text) {
    if (!text.startsWith(MARK)) throw new TypeError('Expected a text that devalueCodec wrote.')
    return parse(text.slice(MARK.length))
  },
  digest: (text) => text,
}

function refusedPart(error: unknown, value: unknown): unknown {
  return typeof error === 'object' && error !== null && 'root' in error && 'value' in error ? error.value : value
}

function unserializable(what: string, cause?: Error): UnserializableValueError {
  const message =
    `Expected a value that devalue can hold, got ${what}. ` +
    'It takes no functions, symbols, Promises, instances of classes, and no keys named __proto__.'
  return new UnserializableValueError(message, cause && { cause })
}
