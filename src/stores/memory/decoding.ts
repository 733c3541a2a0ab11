/** A value of the caller's own at each read. */
import { decodeValue, jsonCodec } from '../../values/codec.ts'
import type { Context } from './context.ts'
import type { Row } from './storage.ts'

/** Characters of JSON up to which a value is kept decoded as well: with all others a decoded copy would be the larger part. */
const SMALL = 256
/** In the place of a template: decoded anew each time. */
const NONE = Symbol('none')

/**
 * JSON needs no promise, and without one a hit takes half of the time. A small value of one level is copied, which takes
 * a tenth of parsing it; what is larger is parsed, which takes a third of `structuredClone`.
 *
 * @throws UnreadableValueError
 */
export function decoded({ codec }: Context, row: Row, key: string): unknown | Promise<unknown> {
  if (row.number !== null) return Number(row.number)
  if (row.value === null) return null
  if (codec !== jsonCodec) return decodeValue(row, key, codec)
  if (row.template !== undefined && row.template !== NONE) return copied(row.template)
  try {
    const value: unknown = JSON.parse(row.value)
    row.template ??= row.value.length <= SMALL && isFlat(value) ? copied(value) : NONE
    return value
  } catch {
    return decodeValue(row, key, codec)
  }
}

function isFlat(value: unknown): boolean {
  return Object.values(Object(value)).every((field) => typeof field !== 'object' || field === null)
}

function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Array.isArray(value) ? value.slice() : { ...value }
}
