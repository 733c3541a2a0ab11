/** `devalueCodec`: values with Dates, Maps, Sets, bigints, bytes and cycles, which JSON cannot hold. */
import { parse, stringify } from 'devalue'
import type { Codec } from '../values/codec.ts'
import { describeType, UnserializableValueError } from '../values/errors.ts'
import { withoutContent } from '../values/redact.ts'

/**
 * Marks the text. Without it `[5,6]`, which the JSON codec wrote, would be read as another value, and the other way round:
 * with it, each codec finds the other's texts unreadable.
 */
const MARK = 'devalue:'

/**
 * A codec that keeps more than JSON: Dates, Maps, Sets, bigints, RegExps, URLs, typed arrays and ArrayBuffers, `undefined`,
 * NaN and -0 inside of objects, holes in arrays, cycles, and objects that occur twice.
 *
 * It refuses functions, symbols, Promises, keys named `__proto__`, and instances of classes, Errors and objects with a
 * `toJSON` method included. A Buffer comes back as a `Uint8Array`, and a `URL` as a `URL` only where the runtime has it.
 * Encoding and decoding take a few times as long as JSON. Numbers and `null` at the top never reach a codec, so -0 becomes 0.
 *
 * `encode` throws UnserializableValueError.
 *
 * @example
 * const cache = createCache(db, { codec: devalueCodec })
 * const user = await cache.getOrSet<User, User>('user:42', loadUser) // Dates stay Dates
 */
export const devalueCodec: Codec = {
  encode(value) {
    // It would read as a miss.
    if (value === undefined) throw unserializable('undefined, which is what a miss is; null can be stored')
    try {
      return MARK + stringify(value)
    } catch (error) {
      // A DevalueError carries the whole value, the part that was refused, and the path to it.
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
