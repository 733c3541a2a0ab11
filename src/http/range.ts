/** Byte ranges of a stored body (RFC 9110 14). A request for several ranges gets the whole body, as 14.2 allows. */
import { parseEntityTag, strongMatch } from './entity-tag.ts'
import { trimBlanks } from './fields.ts'
import { parseHttpDate } from './http-date.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import { entityTagOf, isStrongLastModified, lastModifiedOf } from './validators.ts'

/** The positions of the first and the last byte, both inclusive. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

export type RangeSelection = ByteRange | 'whole' | 'unsatisfiable'

// Range units are case-insensitive (RFC 9110 14.1).
const SINGLE = /^bytes=(\d*)-(\d*)$/i

/**
 * Returns the part of the body that a Range field selects. A malformed field, another unit, or several ranges select the whole.
 *
 * @param length the length of the body in bytes
 */
export function selectRange(value: string | null, length: number): RangeSelection {
  const [, from = '', to = ''] = SINGLE.exec(trimBlanks(value ?? '')) ?? []
  if (from === '') return to === '' ? 'whole' : suffix(Number(to), length)
  const [first, last] = [Number(from), to === '' ? Number.POSITIVE_INFINITY : Number(to)]
  // A last position before the first is invalid, not unsatisfiable (RFC 9110 14.1.1).
  if (last < first) return 'whole'
  return first < length ? { first, last: Math.min(last, length - 1) } : 'unsatisfiable'
}

/** The bytes from one position to another, or to the end; or the last bytes. */
export type SingleRange = { readonly first: number; readonly last: number | undefined } | { readonly suffix: number }

/** Returns the one range that the request asks for, unless If-Range decides on it. Only its form is checked. */
export function singleRange({ method, headers }: RequestHead): SingleRange | undefined {
  const [, from = '', to = ''] = SINGLE.exec(trimBlanks(headers.get('range') ?? '')) ?? []
  if (method !== 'GET' || headers.has('if-range') || (from === '' && to === '')) return undefined
  return from === '' ? { suffix: Number(to) } : { first: Number(from), last: to === '' ? undefined : Number(to) }
}

/** Returns the range that answers the request. Ranges apply only to GET and status 200 (RFC 9110 14.2). */
export function rangeFor(request: RequestHead, stored: TimedResponse, length: number): RangeSelection {
  if (request.method !== 'GET' || stored.status !== 200 || !ifRangeHolds(request, stored)) return 'whole'
  return selectRange(request.headers.get('range'), length)
}

/** Returns the value of Content-Range (RFC 9110 14.4). */
export function contentRange(range: ByteRange | 'unsatisfiable', length: number): string {
  return range === 'unsatisfiable' ? `bytes */${length}` : `bytes ${range.first}-${range.last}/${length}`
}

/** An entity tag must match strongly. A date must be equal, and a strong validator (RFC 9110 13.1.5). */
function ifRangeHolds(request: RequestHead, stored: TimedResponse): boolean {
  const value = request.headers.get('if-range')
  if (value === null) return true
  const tag = parseEntityTag(value)
  if (tag) return strongMatch(tag, entityTagOf(stored))
  const date = parseHttpDate(value, stored.responseAt)
  return date !== undefined && date === lastModifiedOf(stored) && isStrongLastModified(stored)
}

/**
 * Selects the last bytes. Zero bytes are unsatisfiable. A suffix of an empty body selects the whole, because Content-Range has
 * no form for an empty range.
 */
function suffix(bytes: number, length: number): RangeSelection {
  if (bytes === 0) return 'unsatisfiable'
  return length === 0 ? 'whole' : { first: Math.max(0, length - bytes), last: length - 1 }
}
