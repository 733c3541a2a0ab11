/** Decodes rows. Each caller gets a separate value, which it may change. */

import { type Codec, decodeValue, isBytesText, jsonCodec } from '../values/codec.ts'
import { JsonCopies } from '../values/json-copies.ts'
import type { Row } from './store.ts'

/**
 * Marks a row that was decoded once. Its value is not kept yet, because most rows are never read again, and decoded
 * copies take memory.
 */
const DECODED_ONCE = Symbol('decoded once')

/**
 * Decodes a row.
 *
 * JSON needs no promise, and without one a hit in memory takes half of the time. If a row declares `decoded`, reads get
 * copies of its decoded value from the second read on. The text of other codecs is decoded each time. Those codecs may
 * hide the value, compress it, or make objects that have no exact copy.
 *
 * @throws UnreadableValueError
 */
export function decodeRow(row: Row, key: string, codec: Codec): unknown | Promise<unknown> {
  if (row.number !== null) return Number(row.number)
  const text = row.value
  if (text === null) return null
  if (codec !== jsonCodec || isBytesText(text)) return decodeValue(row, key, codec)
  const noted = row.decoded
  // A store may have copied `decoded` to a row with another text.
  if (noted instanceof JsonCopies && noted.text === text) return noted.make()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return decodeValue(row, key, codec)
  }
  return 'decoded' in row ? rememberDecoded(row, text, value) : value
}

/** Returns the value. If later reads will copy that object, returns a copy of it instead. */
function rememberDecoded(row: Row, text: string, value: unknown): unknown {
  const noted = row.decoded
  if (noted === DECODED_ONCE) {
    const copies = JsonCopies.of(text, value)
    row.decoded = copies ?? null
    if (copies !== undefined) return copies.make()
  } else if (noted !== null) row.decoded = DECODED_ONCE
  return value
}
