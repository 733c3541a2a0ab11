/**
 * Reads and writes values without `JSON.parse` and `Number`, so that they keep every digit. The methods of a cache take
 * and return JavaScript values, so these functions call the store below the cache.
 */
import { engineOf, type ScopedEngine } from '../cache/engine.ts'
import { parseWrite } from '../cache/inputs.ts'
import { deadlineOf } from '../cache/settings.ts'
import type { Cache, WriteOptions } from '../cache.ts'
import { compressingCodec } from '../codecs/compressing-codec.ts'
import { type Codec, DEFAULT_MAX_VALUE_BYTES, isBytesText, jsonCodec, type StoredValue } from '../values/codec.ts'
import { addDecimals } from '../values/decimal.ts'
import { UnreadableValueError, ValueTooLargeError } from '../values/errors.ts'
import { utf8Bytes } from '../values/events.ts'
import type { Expiration } from '../values/expiration.ts'
import { storedKey } from '../values/key.ts'
import { isJson } from './json-text.ts'

const asStored: Codec = { encode: String, decode: (text) => text }
/** Decodes to the original text, without parsing it. */
const decompressing = compressingCodec({ codec: asStored })

/** @throws InvalidKeyError, InvalidExpirationError, ValueTooLargeError, DatabaseError */
export async function writeValue(cache: Cache, key: string, form: StoredValue, options: WriteOptions): Promise<void> {
  const engine = engineBelow(cache)
  const bytes = utf8Bytes(form.value ?? '')
  if (bytes > DEFAULT_MAX_VALUE_BYTES) throw new ValueTooLargeError(bytes, DEFAULT_MAX_VALUE_BYTES)
  await engine.store.write([{ key: storedKey(engine.scope, key), ...form }], parseWrite(engine, options))
}

/** Returns the stored form of a live entry, or undefined on a miss. */
export async function readValue(cache: Cache, key: string): Promise<StoredValue | undefined> {
  const engine = engineBelow(cache)
  const { value } = await engine.store.read(storedKey(engine.scope, key))
  return value
}

/**
 * Returns the JSON or the bytes of a stored value. Decompresses a compressed value.
 *
 * @throws UnreadableValueError if another codec wrote it
 */
export async function contentOf({ value, number }: StoredValue, key: string): Promise<string | Uint8Array> {
  if (number !== null || value === null) return number ?? 'null'
  const text = await decompress(value, key)
  if (text !== undefined && isJson(text)) return text
  if (text !== undefined && isBytesText(text)) return bytesOf(text, key)
  throw new UnreadableValueError()
}

/** Encodes bytes as the default codec does. */
export async function storedBytes(content: Uint8Array): Promise<StoredValue> {
  return { value: await jsonCodec.encode(content, { key: '' }), number: null }
}

function bytesOf(text: string, key: string): Uint8Array {
  try {
    return jsonCodec.decode(text, { key }) as Uint8Array
  } catch {
    throw new UnreadableValueError()
  }
}

/** Returns undefined if the text cannot be decompressed. */
async function decompress(text: string, key: string): Promise<string | undefined> {
  try {
    return String(await decompressing.decode(text, { key }))
  } catch {
    return undefined
  }
}

/**
 * Adds to a counter, and returns the sum.
 *
 * @param delta as `decimalText` writes it
 * @throws InvalidKeyError, InvalidExpirationError, NotANumberError, CounterRangeError, DatabaseError
 */
export async function addTo(
  cache: Cache,
  key: string,
  delta: string,
  { expiration }: { expiration?: Expiration },
): Promise<string> {
  const engine = engineBelow(cache)
  // Refuses a delta that no counter can hold. The statement checks the sum only if the counter already exists.
  const checked = addDecimals('0', delta)
  const input = { delta: checked, sliding: false, deadline: deadlineOf(engine, expiration) }
  const { value } = await engine.store.count(storedKey(engine.scope, key), input)
  return value
}

function engineBelow(cache: Cache): ScopedEngine {
  return engineOf(cache) as ScopedEngine
}
