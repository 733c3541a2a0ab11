/** A part of a complete stored body (RFC 9110 14): one range of bytes; several are answered with the whole, as 14.2 allows. */
import { parseEntityTag, strongMatch } from './entity-tag.ts'
import { trimmed } from './fields.ts'
import { parseHttpDate } from './http-date.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import { entityTagOf, isStrongLastModified, lastModifiedOf } from './validators.ts'

/** Positions of bytes, both inclusive. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

export type RangeSelection = ByteRange | 'whole' | 'unsatisfiable'

// Range units are case-insensitive (RFC 9110 14.1).
const SINGLE = /^bytes=(\d*)-(\d*)$/i

/**
 * What a Range field selects of a body. What is malformed, of another unit, or more than one range selects the whole.
 *
 * @param length of the body, in bytes
 */
export function selectRange(value: string | null, length: number): RangeSelection {
  const [, from = '', to = ''] = SINGLE.exec(trimmed(value ?? '')) ?? []
  if (from === '') return to === '' ? 'whole' : suffix(Number(to), length)
  const [first, last] = [Number(from), to === '' ? Number.POSITIVE_INFINITY : Number(to)]
  // A last position before the first is invalid, not unsatisfiable (RFC 9110 14.1.1).
  if (last < first) return 'whole'
  return first < length ? { first, last: Math.min(last, length - 1) } : 'unsatisfiable'
}

/** The range that answers the request. Only GET has ranges, and only a 200 has parts (RFC 9110 14.2). */
export function rangeFor(request: RequestHead, stored: TimedResponse, length: number): RangeSelection {
  if (request.method !== 'GET' || stored.status !== 200 || !ifRangeHolds(request, stored)) return 'whole'
  return selectRange(request.headers.get('range'), length)
}

/** The value of Content-Range (RFC 9110 14.4). */
export function contentRange(range: ByteRange | 'unsatisfiable', length: number): string {
  return range === 'unsatisfiable' ? `bytes */${length}` : `bytes ${range.first}-${range.last}/${length}`
}

/** RFC 9110 13.1.5: an entity tag must match strongly; a date exactly, and only if it is a strong validator. */
function ifRangeHolds(request: RequestHead, stored: TimedResponse): boolean {
  const value = request.headers.get('if-range')
  if (value === null) return true
  const tag = parseEntityTag(value)
  if (tag) return strongMatch(tag, entityTagOf(stored))
  const date = parseHttpDate(value, stored.responseAt)
  return date !== undefined && date === lastModifiedOf(stored) && isStrongLastModified(stored)
}

/** The last bytes. None of them is unsatisfiable; those of nothing are the whole, for no Content-Range can say "none". */
function suffix(bytes: number, length: number): RangeSelection {
  if (bytes === 0) return 'unsatisfiable'
  return length === 0 ? 'whole' : { first: Math.max(0, length - bytes), last: length - 1 }
}
