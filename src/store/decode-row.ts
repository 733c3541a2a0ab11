/** Decodes a row, so that each caller gets a value of its own. */

import { type Codec, decodeValue, jsonCodec } from '../values/codec.ts'
import type { Row } from './store.ts'

/** A row with at most this many characters of JSON also keeps its decoded value. For a larger one, parsing is cheaper than a copy. */
const SMALL = 256
/** Marks a row whose decoded value is not worth keeping. */
const NOT_KEPT = Symbol('not kept')

/**
 * Decodes a row.
 *
 * JSON needs no promise, and without one a hit in memory takes half of the time. Copying a small flat value takes a tenth
 * of the time of parsing it. Larger values are parsed, which takes a third of the time of `structuredClone`.
 *
 * @throws UnreadableValueError
 */
export function decodeRow(row: Row, key: string, codec: Codec): unknown | Promise<unknown> {
  if (row.number !== null) return Number(row.number)
  if (row.value === null) return null
  if (codec !== jsonCodec) return decodeValue(row, key, codec)
  if (row.decoded !== undefined && row.decoded !== NOT_KEPT) return copied(row.decoded)
  try {
    const value: unknown = JSON.parse(row.value)
    if (row.decoded === undefined)
      noteDecoded(row, row.value.length <= SMALL && isFlat(value) ? copied(value) : NOT_KEPT)
    return value
  } catch {
    return decodeValue(row, key, codec)
  }
}

/** Not enumerable, because a store may hand out its own object and copy it later. */
function noteDecoded(row: Row, decoded: unknown): void {
  Object.defineProperty(row, 'decoded', { value: decoded, writable: true, configurable: true, enumerable: false })
}

function isFlat(value: unknown): boolean {
  // The values of a string are its characters.
  if (typeof value !== 'object' || value === null) return true
  return Object.values(value).every((field) => typeof field !== 'object' || field === null)
}

function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Array.isArray(value) ? value.slice() : { ...value }
}
